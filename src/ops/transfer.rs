//! What became of a copy, as a response says it.

use mm_copy::{Reason, Stop};
use ringcopy_protocol::{Direction, EngineKind, EntryResult, NtStatus, TransferFlags};
use usermode_accessors::{Access, Fault};

use crate::engine::Copied;

/// A copy that was not begun.
pub const fn refused(status: NtStatus) -> EntryResult {
    EntryResult {
        status: status.0,
        direction: Direction::None as u32,
        copied: 0,
        address: 0,
        engine: EngineKind::Auto as u32,
        flags: 0,
        hole_length: 0,
    }
}

/// A copy of `asked` bytes by an accessor.
pub fn of_accessor(asked: u64, outcome: Result<(), Fault>) -> EntryResult {
    match outcome {
        Ok(()) => EntryResult {
            copied: asked,
            ..refused(NtStatus::SUCCESS)
        },
        Err(fault) => EntryResult {
            copied: fault.copied as u64,
            direction: direction(fault.access) as u32,
            // The processor does not report a non-canonical address.
            address: fault.address.map_or(u64::MAX, |address| address as u64),
            ..refused(fault.status)
        },
    }
}

/// A copy by an engine.
pub const fn of_engine(copied: &Copied) -> EntryResult {
    let Copied {
        transfer,
        engine,
        fell_back,
    } = copied;
    let flags = if *fell_back {
        TransferFlags::FELL_BACK
    } else {
        TransferFlags::empty()
    };
    let result = EntryResult {
        copied: transfer.transferred as u64,
        engine: *engine as u32,
        flags: flags.bits(),
        ..refused(transfer.status)
    };
    match &transfer.stop {
        // Nothing was wrong with the memory.
        None
        | Some(Stop {
            reason: Reason::Flags,
            ..
        }) => result,
        Some(stop) => EntryResult {
            direction: Direction::Read as u32,
            address: stop.address,
            hole_length: stop.hole_length,
            ..result
        },
    }
}

const fn direction(access: Access) -> Direction {
    match access {
        Access::Read => Direction::Read,
        Access::Write => Direction::Write,
    }
}
