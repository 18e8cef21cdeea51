//! [`CopyMemoryRequest`]: virtual or physical memory to the output.

use core::mem::size_of;

use super::{Lengths, Request, copy_length};
use crate::{CopyMemoryRequest, Engine, NtStatus, TransferResponse};

/// What a request, or an entry of one, wants copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// [`CopyMemoryFlags`](crate::CopyMemoryFlags), as they were asked for: any number.
    pub flags: u32,
    /// Any address, of the kind that the flags name.
    pub address: u64,
    /// Bytes.
    pub length: usize,
}

/// A copy of virtual or physical memory, behind the response, where there is room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyMemory {
    /// What, of at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH) bytes.
    pub source: Source,
    /// Who copies.
    pub engine: Engine,
}

impl Request for CopyMemoryRequest {
    type WellFormed = CopyMemory;

    /// # Errors
    ///
    /// In this order: `STATUS_INVALID_PARAMETER` for an engine that there is not,
    /// `STATUS_INVALID_BUFFER_SIZE` for more than [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH) bytes,
    /// `STATUS_BUFFER_TOO_SMALL` for an output that cannot hold them.
    fn judge(&self, lengths: Lengths) -> Result<CopyMemory, NtStatus> {
        let engine = Engine::from_wire(self.engine).ok_or(NtStatus::INVALID_PARAMETER)?;
        let length = copy_length(self.length)?;
        if lengths.output < size_of::<TransferResponse>().saturating_add(length) {
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
    use super::*;
    use crate::{RequestKind, judge::tests::judged};

    const GOOD: CopyMemoryRequest = CopyMemoryRequest {
        header: crate::Header::of::<CopyMemoryRequest>(),
        address: 0xFFFF_8000_0000_0007,
        length: 64,
        flags: 2,
        engine: 1,
    };

    fn with_room(request: &CopyMemoryRequest, room: usize) -> Result<CopyMemory, NtStatus> {
        judged(RequestKind::CopyMemory, request, 0, 56 + room)
    }

    #[test]
    fn every_field_arrives() {
        let copy = CopyMemory {
            source: Source {
                flags: 2,
                address: 0xFFFF_8000_0000_0007,
                length: 64,
            },
            engine: Engine::Native,
        };
        assert_eq!(with_room(&GOOD, 64), Ok(copy));
        for (value, engine) in [(0, Engine::Auto), (2, Engine::System)] {
            let request = CopyMemoryRequest {
                engine: value,
                ..GOOD
            };
            assert_eq!(with_room(&request, 64), Ok(CopyMemory { engine, ..copy }));
        }
    }

    #[test]
    fn an_engine_that_there_is_not() {
        for engine in [3, 4, 0x8000_0001, u32::MAX] {
            let request = CopyMemoryRequest { engine, ..GOOD };
            assert_eq!(with_room(&request, 64), Err(NtStatus::INVALID_PARAMETER));
        }
    }

    #[test]
    fn more_bytes_than_one_request_copies() {
        for length in [0x400_0001, 1 << 32, (1 << 32) + 64, 1 << 63, u64::MAX] {
            let request = CopyMemoryRequest { length, ..GOOD };
            let verdict = with_room(&request, usize::MAX - 56);
            assert_eq!(verdict, Err(NtStatus::INVALID_BUFFER_SIZE), "{length:#x}");
        }
        for length in [0, 0x400_0000] {
            let copy = with_room(&CopyMemoryRequest { length, ..GOOD }, 0x400_0000).unwrap();
            assert_eq!(copy.source.length as u64, length);
        }
    }

    #[test]
    fn no_room_for_the_bytes() {
        for (length, room) in [(1, 0), (64, 63), (0x400_0000, 0x3FF_FFFF)] {
            let request = CopyMemoryRequest { length, ..GOOD };
            assert_eq!(with_room(&request, room), Err(NtStatus::BUFFER_TOO_SMALL));
        }
    }

    #[test]
    fn the_engine_then_the_length_then_the_room() {
        let mut request = CopyMemoryRequest {
            engine: 3,
            length: u64::MAX,
            ..GOOD
        };
        assert_eq!(with_room(&request, 0), Err(NtStatus::INVALID_PARAMETER));
        request.engine = 0;
        assert_eq!(with_room(&request, 0), Err(NtStatus::INVALID_BUFFER_SIZE));
        request.length = 64;
        assert_eq!(with_room(&request, 0), Err(NtStatus::BUFFER_TOO_SMALL));
    }

    #[test]
    fn flags_and_addresses_are_left_to_the_engine() {
        for (flags, address) in [(0, 0), (3, 1), (4, 1 << 63), (u32::MAX, u64::MAX)] {
            let request = CopyMemoryRequest {
                address,
                flags,
                ..GOOD
            };
            let source = with_room(&request, 64).unwrap().source;
            assert_eq!((source.flags, source.address), (flags, address));
        }
    }
}
