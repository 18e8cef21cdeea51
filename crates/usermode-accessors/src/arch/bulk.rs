//! Guarded copies and fills.

use super::{
    Trap,
    native::{Record, moved},
};

/// A guarded routine that copies.
pub(super) type Copy = unsafe extern "efiapi" fn(*mut Record, *mut u8, *const u8, usize) -> usize;

unsafe extern "efiapi" {
    /// Returns a number for [`moved`].
    pub(super) fn usermode_accessors_copy(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    /// Returns how many bytes are left: those at the start.
    pub(super) fn usermode_accessors_copy_backward(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    /// Returns a number for [`moved`].
    pub(super) fn usermode_accessors_copy_nontemporal(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    /// Returns a number for [`moved`].
    pub(super) fn usermode_accessors_fill(
        record: *mut Record,
        destination: *mut u8,
        byte: u32,
        length: usize,
    ) -> usize;
}

/// Returns how many of `length` bytes are moved if `rest` are left.
#[inline]
pub(super) const fn without_rest(rest: usize, length: usize) -> usize {
    length.wrapping_sub(rest)
}

/// Copies with a guarded routine. `count` makes the count of the trap from what the routine returns
/// and the length.
///
/// # Safety
///
/// As for [`guarded_copy`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(super) unsafe fn copy_by(
    routine: Copy,
    count: impl FnOnce(usize, usize) -> usize,
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new();
    // SAFETY: the record outlives the call; the caller guarantees a side in kernel memory, and a
    // fault on a user side returns.
    let returned = unsafe { routine(&raw mut record, destination, source, length) };
    record.result(count(returned, length))
}

/// Copies forward, with at least one side in user memory. If the ranges overlap, the shared bytes end
/// up unspecified.
///
/// # Safety
///
/// A side that is not user memory is valid for `length` bytes. A user side passed
/// [`crate::probe::check_range`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_copy(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_by(usermode_accessors_copy, moved, destination, source, length) }
}

/// Copies forward within kernel memory: user memory stays closed.
///
/// # Safety
///
/// Both ranges are mapped for `length` bytes, and do not overlap.
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_copy_closed(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::closed();
    // SAFETY: the record outlives the call; the caller guarantees both sides, and an exception that
    // is dispatched returns.
    let returned = unsafe { usermode_accessors_copy(&raw mut record, destination, source, length) };
    record.result(moved(returned, length))
}

/// Copies from the last byte down, with at least one side in user memory. The trap counts the bytes
/// at the end.
///
/// # Safety
///
/// As for [`guarded_copy`].
pub(crate) unsafe fn guarded_copy_backward(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let routine = usermode_accessors_copy_backward;
    // SAFETY: the caller's promise is the same.
    unsafe { copy_by(routine, without_rest, destination, source, length) }
}

/// Copies forward with non-temporal stores, with at least one side in user memory.
///
/// # Safety
///
/// As for [`guarded_copy`].
pub(crate) unsafe fn guarded_copy_nontemporal(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let routine = usermode_accessors_copy_nontemporal;
    // SAFETY: the caller's promise is the same.
    unsafe { copy_by(routine, moved, destination, source, length) }
}

/// Fills user memory.
///
/// # Safety
///
/// The range passed [`crate::probe::check_range`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_fill(
    destination: *mut u8,
    byte: u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new();
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let returned =
        unsafe { usermode_accessors_fill(&raw mut record, destination, u32::from(byte), length) };
    record.result(moved(returned, length))
}
