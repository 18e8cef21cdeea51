//! [`CallerCopyRequest`]: a copy between the caller's memory and the session buffer.

use super::{Lengths, Validate, address};
use crate::{CallerCopyRequest, ModeChoice, NtStatus, SESSION_LENGTH};

/// A copy between the caller's memory and a part of the session buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerCopy {
    /// The rules that it follows.
    pub mode: ModeChoice,
    /// The address in the caller's address space: any address.
    pub address: usize,
    /// The length in bytes.
    pub length: usize,
    /// The offset in the session buffer in bytes. The copy ends within [`SESSION_LENGTH`].
    pub session_offset: usize,
    /// As in [`CallerCopyRequest::alignment`]: any number.
    pub alignment: usize,
}

impl Validate for CallerCopyRequest {
    type Valid = CallerCopy;

    /// # Errors
    ///
    /// In this order: `STATUS_INVALID_PARAMETER` for an invalid mode, `STATUS_INVALID_BUFFER_SIZE`
    /// for a copy that exceeds the session buffer.
    fn validate(&self, _: Lengths) -> Result<CallerCopy, NtStatus> {
        let mode = ModeChoice::from_wire(self.mode).ok_or(NtStatus::INVALID_PARAMETER)?;
        let end = self.session_offset.checked_add(self.length);
        if end.is_none_or(|end| end > SESSION_LENGTH) {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let within_session =
            |value| usize::try_from(value).map_err(|_| NtStatus::INVALID_BUFFER_SIZE);
        Ok(CallerCopy {
            mode,
            length: within_session(self.length)?,
            session_offset: within_session(self.session_offset)?,
            address: address(self.address)?,
            alignment: self.alignment as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Header,
        kind::{CopyFrom, CopyTo},
        validate::tests::{INVALID_VALUES, validated},
    };

    const VALID: CallerCopyRequest = CallerCopyRequest {
        header: Header::of::<CallerCopyRequest>(),
        address: 0x1_0003,
        length: 64,
        session_offset: 32,
        alignment: 8,
        mode: 1,
    };

    fn result_of(request: &CallerCopyRequest) -> Result<CallerCopy, NtStatus> {
        let from = validated::<CopyFrom>(request, 0, 56);
        assert_eq!(from, validated::<CopyTo>(request, 0, 56));
        from
    }

    fn in_session(session_offset: u64, length: u64) -> CallerCopyRequest {
        CallerCopyRequest {
            length,
            session_offset,
            ..VALID
        }
    }

    #[test]
    fn every_field_is_kept() {
        let copy = CallerCopy {
            mode: ModeChoice::User,
            address: 0x1_0003,
            length: 64,
            session_offset: 32,
            alignment: 8,
        };
        assert_eq!(result_of(&VALID), Ok(copy));
        let mode = ModeChoice::OfRequest;
        let request = CallerCopyRequest { mode: 0, ..VALID };
        assert_eq!(result_of(&request), Ok(CallerCopy { mode, ..copy }));
    }

    #[test]
    fn an_invalid_mode_is_refused_first() {
        for mode in [2, 3].into_iter().chain(INVALID_VALUES) {
            for request in [VALID, in_session(1, u64::MAX)] {
                let request = CallerCopyRequest { mode, ..request };
                assert_eq!(result_of(&request), Err(NtStatus::INVALID_PARAMETER));
            }
        }
    }

    #[test]
    fn a_copy_that_exceeds_the_session_buffer_is_refused() {
        for (offset, length) in [
            (0, 0x4001),
            (1, 0x4000),
            (0x4000, 1),
            (0x4001, 0),
            (1 << 32, 0),
            (0, 1 << 32),
            (1, u64::MAX),
            (u64::MAX, 1),
            (u64::MAX, u64::MAX),
            (1 << 63, 1 << 63),
        ] {
            let result = result_of(&in_session(offset, length));
            assert_eq!(result, Err(NtStatus::INVALID_BUFFER_SIZE), "{offset:#x}");
        }
        for (offset, length) in [(0, 0x4000), (0x3FFF, 1), (0x4000, 0), (0, 0)] {
            let copy = result_of(&in_session(offset, length)).unwrap();
            let kept = (copy.session_offset as u64, copy.length as u64);
            assert_eq!(kept, (offset, length));
        }
    }

    #[test]
    fn any_address_and_alignment_is_valid() {
        for (address, alignment) in [(0, 0), (1, 3), (u64::MAX, u32::MAX), (1 << 63, 1 << 31)] {
            let request = CallerCopyRequest {
                address,
                alignment,
                ..VALID
            };
            let copy = result_of(&request).unwrap();
            let kept = (copy.address as u64, copy.alignment);
            assert_eq!(kept, (address, alignment as usize));
        }
    }
}
