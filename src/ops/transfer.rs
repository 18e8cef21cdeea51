//! The response that says what became of a copy.

use mm_copy::{Reason, Stop, Transfer};
use ringcopy_protocol::{Direction, Engine, Header, NtStatus, TransferResponse};
use usermode_accessors::{Access, Fault};

use crate::nt::status::from_accessor;

/// A copy of `asked` bytes that was not begun.
pub const fn refused(asked: u64, status: NtStatus) -> TransferResponse {
    TransferResponse {
        header: Header::of::<TransferResponse>(),
        status: status.0,
        direction: Direction::None as u32,
        copied: 0,
        asked,
        address: 0,
        engine: Engine::Auto as u32,
        reserved: 0,
    }
}

/// A copy by an accessor.
pub fn of_accessor(asked: u64, outcome: Result<(), Fault>) -> TransferResponse {
    match outcome {
        Ok(()) => TransferResponse {
            copied: asked,
            ..refused(asked, NtStatus::SUCCESS)
        },
        Err(fault) => TransferResponse {
            copied: fault.copied as u64,
            direction: direction(fault.access) as u32,
            // The processor does not report a non-canonical address.
            address: fault.address.map_or(u64::MAX, |address| address as u64),
            ..refused(asked, from_accessor(fault.status))
        },
    }
}

/// A copy by an engine.
pub const fn of_engine(asked: u64, transfer: &Transfer, engine: Engine) -> TransferResponse {
    let response = TransferResponse {
        copied: transfer.transferred as u64,
        engine: engine as u32,
        ..refused(asked, from_accessor(transfer.status))
    };
    match &transfer.stop {
        // Nothing was wrong with the memory.
        None
        | Some(Stop {
            reason: Reason::Flags,
            ..
        }) => response,
        Some(stop) => TransferResponse {
            direction: Direction::Read as u32,
            address: stop.address,
            ..response
        },
    }
}

const fn direction(access: Access) -> Direction {
    match access {
        Access::Read => Direction::Read,
        Access::Write => Direction::Write,
    }
}
