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

#[cfg(test)]
mod tests {
    use core::iter;

    use super::*;
    use crate::{
        Header, kind,
        validate::tests::{INVALID_VALUES, LENGTHS_OVER_THE_LIMIT, validated},
    };

    const VALID: CopyMemoryRequest = CopyMemoryRequest {
        header: Header::of::<CopyMemoryRequest>(),
        address: 0xFFFF_8000_0000_0007,
        length: 64,
        flags: 2,
        engine: 1,
    };

    /// Validates a request whose output can hold the response and `capacity` bytes.
    fn with(request: &CopyMemoryRequest, capacity: usize) -> Result<CopyMemory, NtStatus> {
        validated::<kind::CopyMemory>(request, 0, 56 + capacity)
    }

    #[test]
    fn every_field_is_kept() {
        let copy = CopyMemory {
            source: Source {
                flags: 2,
                address: 0xFFFF_8000_0000_0007,
                length: 64,
            },
            engine: EngineKind::Native,
        };
        assert_eq!(with(&VALID, 64), Ok(copy));
        for (value, engine) in [(0, EngineKind::Auto), (2, EngineKind::System)] {
            let request = CopyMemoryRequest {
                engine: value,
                ..VALID
            };
            assert_eq!(with(&request, 64), Ok(CopyMemory { engine, ..copy }));
        }
    }

    #[test]
    fn an_invalid_engine_is_refused() {
        for engine in iter::once(3).chain(INVALID_VALUES) {
            let request = CopyMemoryRequest { engine, ..VALID };
            assert_eq!(with(&request, 64), Err(NtStatus::INVALID_PARAMETER));
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused() {
        for length in LENGTHS_OVER_THE_LIMIT {
            let result = with(&CopyMemoryRequest { length, ..VALID }, usize::MAX - 56);
            assert_eq!(result, Err(NtStatus::INVALID_BUFFER_SIZE), "{length:#x}");
        }
        for length in [0, 0x400_0000] {
            let copy = with(&CopyMemoryRequest { length, ..VALID }, 0x400_0000).unwrap();
            assert_eq!(copy.source.length as u64, length);
        }
    }

    #[test]
    fn an_output_that_cannot_hold_the_bytes_is_refused() {
        for (length, capacity) in [(1, 0), (64, 63), (0x400_0000, 0x3FF_FFFF)] {
            let result = with(&CopyMemoryRequest { length, ..VALID }, capacity);
            assert_eq!(result, Err(NtStatus::BUFFER_TOO_SMALL));
        }
    }

    #[test]
    fn the_engine_is_checked_before_the_length_and_the_length_before_the_output() {
        let mut request = CopyMemoryRequest {
            engine: 3,
            length: u64::MAX,
            ..VALID
        };
        assert_eq!(with(&request, 0), Err(NtStatus::INVALID_PARAMETER));
        request.engine = 0;
        assert_eq!(with(&request, 0), Err(NtStatus::INVALID_BUFFER_SIZE));
        request.length = 64;
        assert_eq!(with(&request, 0), Err(NtStatus::BUFFER_TOO_SMALL));
    }

    #[test]
    fn any_flags_and_address_are_valid() {
        for (flags, address) in [(0, 0), (3, 1), (4, 1 << 63), (u32::MAX, u64::MAX)] {
            let request = CopyMemoryRequest {
                address,
                flags,
                ..VALID
            };
            let source = with(&request, 64).unwrap().source;
            assert_eq!((source.flags, source.address), (flags, address));
        }
    }
}
