//! [`CopyThroughRequest`]: from the caller's memory to the caller's memory.

use super::{Lengths, Request, address, copy_length};
use crate::{CopyThroughRequest, ModeChoice, NtStatus};

/// A copy from the caller's memory to the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyThrough {
    /// Whose rules it follows.
    pub mode: ModeChoice,
    /// The first byte read: any address.
    pub source: usize,
    /// The first byte written: any address.
    pub destination: usize,
    /// Bytes, at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH).
    pub length: usize,
    /// As in [`CopyThroughRequest::alignment`]: any number.
    pub alignment: usize,
}

impl Request for CopyThroughRequest {
    type WellFormed = CopyThrough;

    /// # Errors
    ///
    /// In this order: `STATUS_INVALID_PARAMETER` for a mode that there is not,
    /// `STATUS_INVALID_BUFFER_SIZE` for more than [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH) bytes.
    fn judge(&self, _: Lengths) -> Result<CopyThrough, NtStatus> {
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
    use crate::{RequestKind, judge::tests::judged};

    const GOOD: CopyThroughRequest = CopyThroughRequest {
        header: crate::Header::of::<CopyThroughRequest>(),
        source: 0x1_0000,
        destination: 0x2_0001,
        length: 64,
        alignment: 16,
        mode: 0,
    };

    fn verdict(request: &CopyThroughRequest) -> Result<CopyThrough, NtStatus> {
        judged(RequestKind::CopyThrough, request, 0, 56)
    }

    #[test]
    fn every_field_arrives() {
        let copy = CopyThrough {
            mode: ModeChoice::OfRequest,
            source: 0x1_0000,
            destination: 0x2_0001,
            length: 64,
            alignment: 16,
        };
        assert_eq!(verdict(&GOOD), Ok(copy));
        let mode = ModeChoice::User;
        let request = CopyThroughRequest { mode: 1, ..GOOD };
        assert_eq!(verdict(&request), Ok(CopyThrough { mode, ..copy }));
    }

    #[test]
    fn a_mode_that_there_is_not() {
        for mode in [2, 3, 0x8000_0000, 0x8000_0001, u32::MAX] {
            let request = CopyThroughRequest { mode, ..GOOD };
            assert_eq!(verdict(&request), Err(NtStatus::INVALID_PARAMETER));
        }
    }

    #[test]
    fn more_bytes_than_one_request_copies() {
        for length in [0x400_0001, 1 << 32, (1 << 32) + 64, 1 << 63, u64::MAX] {
            let request = CopyThroughRequest { length, ..GOOD };
            assert_eq!(verdict(&request), Err(NtStatus::INVALID_BUFFER_SIZE));
        }
        for length in [0, 0x400_0000] {
            let copy = verdict(&CopyThroughRequest { length, ..GOOD }).unwrap();
            assert_eq!(copy.length as u64, length);
        }
    }

    #[test]
    fn the_mode_is_looked_at_before_the_length() {
        let request = CopyThroughRequest {
            mode: 2,
            length: u64::MAX,
            ..GOOD
        };
        assert_eq!(verdict(&request), Err(NtStatus::INVALID_PARAMETER));
    }

    #[test]
    fn addresses_and_alignments_are_left_to_the_accessor() {
        for (address, alignment) in [(0, 0), (1, 3), (u64::MAX, u32::MAX), (1 << 63, 1 << 31)] {
            let copy = verdict(&CopyThroughRequest {
                source: address,
                destination: !address,
                alignment,
                ..GOOD
            })
            .unwrap();
            assert_eq!(copy.source as u64, address);
            assert_eq!(copy.destination as u64, !address);
            assert_eq!(copy.alignment, alignment as usize);
        }
    }
}
