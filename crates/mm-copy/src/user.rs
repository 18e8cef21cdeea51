//! The memory of the current process.

use usermode_accessors::{Fault, NtStatus, UserSlice, VolatileSlice, probe};

use crate::transfer::{Reason, Transfer};

/// Returns whether an address lies below the user limit.
#[inline]
pub(crate) fn is_user_address(address: u64) -> bool {
    address < probe::user_limit() as u64
}

/// Reads memory of the current process, from `address` on, to all of `target`, by a guarded access.
///
/// IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// In [`Transfer::stop`]: [`Reason::OutsideUserRange`] if not all of it is user memory, before any
/// access; [`Reason::User`] if the accessors are not for this process, or at the address that the fault reports.
#[inline]
pub fn copy(address: u64, target: VolatileSlice<'_>) -> Transfer {
    let length = target.len();
    let refused = || Transfer::stopped(0, address, Reason::OutsideUserRange);
    let Ok(start) = usize::try_from(address) else {
        return refused();
    };
    match UserSlice::new(start, length).reader() {
        Ok(mut reader) => result(length, reader.read_volatile(target)),
        Err(fault) if fault.status == NtStatus::ACCESS_VIOLATION => refused(),
        Err(fault) => result(length, Err(fault)),
    }
}

#[inline]
fn result(length: usize, read: Result<(), Fault>) -> Transfer {
    match read {
        Ok(()) => Transfer::complete(length),
        Err(fault) => {
            let address = fault.address.map_or(u64::MAX, |address| address as u64);
            Transfer::stopped(fault.copied.min(length), address, Reason::User(fault))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use usermode_accessors::Access;

    fn fault(copied: usize, address: Option<usize>) -> Fault {
        Fault::new(
            NtStatus::GUARD_PAGE_VIOLATION,
            copied,
            address,
            Access::Read,
        )
    }

    #[test]
    fn a_fault_keeps_its_count_status_and_address() {
        let fault = fault(5, Some(0x1005));
        let transfer = result(8, Err(fault));
        assert_eq!(transfer, Transfer::stopped(5, 0x1005, Reason::User(fault)));
        assert_eq!(transfer.status, NtStatus::GUARD_PAGE_VIOLATION);
    }

    #[test]
    fn a_fault_without_an_address_is_reported_as_all_ones() {
        let stop = result(8, Err(fault(0, None))).stop.unwrap();
        assert_eq!(stop.address, u64::MAX);
    }
}
