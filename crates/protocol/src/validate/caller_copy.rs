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
