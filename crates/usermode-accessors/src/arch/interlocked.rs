//! Interlocked operations on user memory. They return the value that was there before.

use super::{
    Trap,
    record::{Record, guard_number},
};

/// An AND or an OR.
type Operation = unsafe extern "efiapi" fn(*mut Record, *mut u8, u64) -> u64;

unsafe extern "efiapi" {
    pub(super) fn usermode_accessors_and4(_: *mut Record, destination: *mut u8, value: u64) -> u64;
    pub(super) fn usermode_accessors_and8(_: *mut Record, destination: *mut u8, value: u64) -> u64;
    pub(super) fn usermode_accessors_or4(_: *mut Record, destination: *mut u8, value: u64) -> u64;
    pub(super) fn usermode_accessors_or8(_: *mut Record, destination: *mut u8, value: u64) -> u64;
    pub(super) fn usermode_accessors_compare_exchange4(
        record: *mut Record,
        destination: *mut u8,
        exchange: u64,
        comperand: u64,
    ) -> u64;
    pub(super) fn usermode_accessors_compare_exchange8(
        record: *mut Record,
        destination: *mut u8,
        exchange: u64,
        comperand: u64,
    ) -> u64;
}

/// ANDs `value` into user memory of 4 bytes, or 8 if `wide`, and returns the value before. A full
/// barrier.
///
/// # Safety
///
/// The range passed [`crate::probe::check`] with its own size as the alignment.
pub(crate) unsafe fn guarded_and(
    destination: *mut u8,
    value: u64,
    wide: bool,
) -> Result<u64, Trap> {
    let routines = (
        usermode_accessors_and4 as Operation,
        usermode_accessors_and8 as Operation,
    );
    // SAFETY: the caller's promise is the same.
    unsafe { operate(routines, destination, value, wide) }
}

/// ORs `value` into user memory of 4 bytes, or 8 if `wide`, and returns the value before. A full
/// barrier.
///
/// # Safety
///
/// As for [`guarded_and`].
pub(crate) unsafe fn guarded_or(destination: *mut u8, value: u64, wide: bool) -> Result<u64, Trap> {
    let routines = (
        usermode_accessors_or4 as Operation,
        usermode_accessors_or8 as Operation,
    );
    // SAFETY: the caller's promise is the same.
    unsafe { operate(routines, destination, value, wide) }
}

/// # Safety
///
/// As for [`guarded_and`].
unsafe fn operate(
    (narrow_routine, wide_routine): (Operation, Operation),
    destination: *mut u8,
    value: u64,
    wide: bool,
) -> Result<u64, Trap> {
    let routine = if wide { wide_routine } else { narrow_routine };
    // SAFETY: a fault on the user side returns.
    let operate = |record| unsafe { routine(record, destination, value) };
    // SAFETY: the routine returns a number.
    unsafe { guard_number(operate) }
}

/// Stores `exchange` in user memory of 4 bytes, or 8 if `wide`, if it holds `comperand`, and returns
/// the value before. A full barrier.
///
/// # Safety
///
/// As for [`guarded_and`].
pub(crate) unsafe fn guarded_compare_exchange(
    destination: *mut u8,
    exchange: u64,
    comperand: u64,
    wide: bool,
) -> Result<u64, Trap> {
    let routine = if wide {
        usermode_accessors_compare_exchange8
    } else {
        usermode_accessors_compare_exchange4
    };
    // SAFETY: a fault on the user side returns.
    let exchange = |record| unsafe { routine(record, destination, exchange, comperand) };
    // SAFETY: the routine returns a number.
    unsafe { guard_number(exchange) }
}
