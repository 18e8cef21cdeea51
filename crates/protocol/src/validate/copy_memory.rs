//! [`CopyMemoryRequest`]: a copy of virtual or physical memory to the output.

use super::{Lengths, Validate, copy_length};
use crate::{CopyMemoryRequest, CopyResponse, EngineKind, NtStatus};

/// The source of a copy that a request or an entry describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// [`CopyFlags`](crate::CopyFlags) as the request has them: any number.
    pub flags: u32,
    /// Any address, of the kind that the flags name.
    pub address: u64,
    /// The length in bytes.
    pub length: usize,
}

/// A copy of virtual or physical memory to the output, which can hold it after the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyMemory {
    /// The source, of at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH) bytes.
    pub source: Source,
    /// The engine that copies.
    pub engine: EngineKind,
}

impl Validate for CopyMemoryRequest {
    type Valid = CopyMemory;

    /// # Errors
    ///
    /// In this order: `STATUS_INVALID_PARAMETER` for an invalid engine,
    /// `STATUS_INVALID_BUFFER_SIZE` for more than [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH) bytes,
    /// `STATUS_BUFFER_TOO_SMALL` for an output that cannot hold them.
    fn validate(&self, lengths: Lengths) -> Result<CopyMemory, NtStatus> {
        let engine = EngineKind::from_wire(self.engine).ok_or(NtStatus::INVALID_PARAMETER)?;
        let length = copy_length(self.length)?;
        if lengths.output < size_of::<CopyResponse>().saturating_add(length) {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        Ok(CopyMemory {
            source: Source {
                flags: self.flags,
                address: self.address,
                length,
            },
            engine,
        })
    }
}
