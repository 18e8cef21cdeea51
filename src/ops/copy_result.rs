//! The result of a copy by an accessor.

use ringcopy_protocol::{CopyResult, Direction, NtStatus};
use usermode_accessors::{Access, Fault};

/// Converts the result of a copy of `asked` bytes.
pub fn of_accessor(asked: u64, copied: Result<(), Fault>) -> CopyResult {
    match copied {
        Ok(()) => CopyResult {
            copied: asked,
            ..CopyResult::of(NtStatus::SUCCESS)
        },
        Err(fault) => CopyResult {
            copied: fault.copied as u64,
            direction: match fault.access {
                Access::Read => Direction::Read,
                Access::Write => Direction::Write,
            } as u32,
            // The processor does not report a non-canonical address.
            address: fault.address.map_or(u64::MAX, |address| address as u64),
            ..CopyResult::of(fault.status)
        },
    }
}
