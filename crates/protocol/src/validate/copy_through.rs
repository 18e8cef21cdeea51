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
