//! [`CallerCopyRequest`]: between the caller's memory and the session buffer.

use super::{Lengths, Request, address};
use crate::{CallerCopyRequest, ModeChoice, NtStatus, SESSION_LENGTH};

/// A copy between the caller's memory and a part of the session buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerCopy {
    /// Whose rules it follows.
    pub mode: ModeChoice,
    /// Where in the caller's address space: any address.
    pub address: usize,
    /// Bytes.
    pub length: usize,
    /// Where in the session buffer, in bytes: the copy ends within [`SESSION_LENGTH`].
    pub session_offset: usize,
    /// As in [`CallerCopyRequest::alignment`]: any number.
    pub alignment: usize,
}

impl Request for CallerCopyRequest {
    type WellFormed = CallerCopy;

    /// # Errors
    ///
    /// In this order: `STATUS_INVALID_PARAMETER` for a mode that there is not,
    /// `STATUS_INVALID_BUFFER_SIZE` for bytes beyond the session buffer.
    fn judge(&self, _: Lengths) -> Result<CallerCopy, NtStatus> {
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
    use crate::{RequestKind, judge::tests::judged};

    const GOOD: CallerCopyRequest = CallerCopyRequest {
        header: crate::Header::of::<CallerCopyRequest>(),
        address: 0x1_0003,
        length: 64,
        session_offset: 32,
        alignment: 8,
        mode: 1,
    };

    fn verdict(request: &CallerCopyRequest) -> Result<CallerCopy, NtStatus> {
        let from = judged(RequestKind::CopyFrom, request, 0, 56);
        assert_eq!(from, judged(RequestKind::CopyTo, request, 0, 56));
        from
    }

    fn in_session(session_offset: u64, length: u64) -> CallerCopyRequest {
        CallerCopyRequest {
            length,
            session_offset,
            ..GOOD
        }
    }

    #[test]
    fn every_field_arrives() {
        let copy = CallerCopy {
            mode: ModeChoice::User,
            address: 0x1_0003,
            length: 64,
            session_offset: 32,
            alignment: 8,
        };
        assert_eq!(verdict(&GOOD), Ok(copy));
        let mode = ModeChoice::OfRequest;
        let request = CallerCopyRequest { mode: 0, ..GOOD };
        assert_eq!(verdict(&request), Ok(CallerCopy { mode, ..copy }));
    }

    #[test]
    fn a_mode_that_there_is_not() {
        for mode in [2, 3, 0x8000_0000, 0x8000_0001, u32::MAX] {
            let request = CallerCopyRequest { mode, ..GOOD };
            assert_eq!(verdict(&request), Err(NtStatus::INVALID_PARAMETER));
        }
    }

    #[test]
    fn bytes_beyond_the_session_buffer() {
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
            let verdict = verdict(&in_session(offset, length));
            assert_eq!(verdict, Err(NtStatus::INVALID_BUFFER_SIZE), "{offset:#x}");
        }
        for (offset, length) in [(0, 0x4000), (0x3FFF, 1), (0x4000, 0), (0, 0)] {
            let copy = verdict(&in_session(offset, length)).unwrap();
            assert_eq!(
                (copy.session_offset as u64, copy.length as u64),
                (offset, length)
            );
        }
    }

    #[test]
    fn the_mode_is_looked_at_before_the_session_buffer() {
        let request = CallerCopyRequest {
            mode: 2,
            ..in_session(1, u64::MAX)
        };
        assert_eq!(verdict(&request), Err(NtStatus::INVALID_PARAMETER));
    }

    #[test]
    fn addresses_and_alignments_are_left_to_the_accessor() {
        for (address, alignment) in [(0, 0), (1, 3), (u64::MAX, u32::MAX), (1 << 63, 1 << 31)] {
            let copy = verdict(&CallerCopyRequest {
                address,
                alignment,
                ..GOOD
            })
            .unwrap();
            assert_eq!(
                (copy.address as u64, copy.alignment),
                (address, alignment as usize)
            );
        }
    }
}
