//! [`CopyThroughRequest`]: a copy from the caller's memory to the caller's memory.

use super::{Lengths, Validate, address, copy_length};
use crate::{CopyThroughRequest, ModeChoice, NtStatus};

/// A copy from the caller's memory to the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyThrough {
    /// The rules that it follows.
    pub mode: ModeChoice,
    /// The first address to read: any address.
    pub source: usize,
    /// The first address to write: any address.
    pub destination: usize,
    /// The length in bytes, at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH).
    pub length: usize,
    /// As in [`CopyThroughRequest::alignment`]: any number.
    pub alignment: usize,
}

impl Validate for CopyThroughRequest {
    type Valid = CopyThrough;

    /// # Errors
    ///
    /// In this order: `STATUS_INVALID_PARAMETER` for an invalid mode, `STATUS_INVALID_BUFFER_SIZE`
    /// for more than [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH) bytes.
    fn validate(&self, _: Lengths) -> Result<CopyThrough, NtStatus> {
        let mode = ModeChoice::from_wire(self.mode).ok_or(NtStatus::INVALID_PARAMETER)?;
        Ok(CopyThrough {
            mode,
            length: copy_length(self.length)?,
            source: address(self.source)?,
            destination: address(self.destination)?,
            alignment: self.alignment as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Header, kind,
        validate::tests::{INVALID_VALUES, LENGTHS_OVER_THE_LIMIT, validated},
    };

    const VALID: CopyThroughRequest = CopyThroughRequest {
        header: Header::of::<CopyThroughRequest>(),
        source: 0x1_0000,
        destination: 0x2_0001,
        length: 64,
        alignment: 16,
        mode: 0,
    };

    fn result_of(request: &CopyThroughRequest) -> Result<CopyThrough, NtStatus> {
        validated::<kind::CopyThrough>(request, 0, 56)
    }

    #[test]
    fn every_field_is_kept() {
        let copy = CopyThrough {
            mode: ModeChoice::OfRequest,
            source: 0x1_0000,
            destination: 0x2_0001,
            length: 64,
            alignment: 16,
        };
        assert_eq!(result_of(&VALID), Ok(copy));
        let mode = ModeChoice::User;
        let request = CopyThroughRequest { mode: 1, ..VALID };
        assert_eq!(result_of(&request), Ok(CopyThrough { mode, ..copy }));
    }

    #[test]
    fn an_invalid_mode_is_refused_first() {
        for mode in [2, 3].into_iter().chain(INVALID_VALUES) {
            for length in [VALID.length, u64::MAX] {
                let request = CopyThroughRequest {
                    length,
                    mode,
                    ..VALID
                };
                assert_eq!(result_of(&request), Err(NtStatus::INVALID_PARAMETER));
            }
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused() {
        for length in LENGTHS_OVER_THE_LIMIT {
            let request = CopyThroughRequest { length, ..VALID };
            assert_eq!(result_of(&request), Err(NtStatus::INVALID_BUFFER_SIZE));
        }
        for length in [0, 0x400_0000] {
            let copy = result_of(&CopyThroughRequest { length, ..VALID }).unwrap();
            assert_eq!(copy.length as u64, length);
        }
    }

    #[test]
    fn any_address_and_alignment_is_valid() {
        for (source, alignment) in [(0, 0), (1, 3), (u64::MAX, u32::MAX), (1 << 63, 1 << 31)] {
            let request = CopyThroughRequest {
                source,
                destination: !source,
                alignment,
                ..VALID
            };
            let copy = result_of(&request).unwrap();
            assert_eq!(copy.source as u64, source);
            assert_eq!(copy.destination as u64, !source);
            assert_eq!(copy.alignment, alignment as usize);
        }
    }
}
