//! Guarded copies and fills.

use super::{
    Trap,
    native::{Record, moved},
};

unsafe extern "efiapi" {
    /// What this and the others return is for [`moved`], unless they say what it is.
    pub(super) fn usermode_accessors_copy(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    /// Returns how many bytes were *not* moved: those in front.
    pub(super) fn usermode_accessors_copy_backward(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    pub(super) fn usermode_accessors_copy_nontemporal(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    pub(super) fn usermode_accessors_fill(
        record: *mut Record,
        destination: *mut u8,
        byte: u32,
        length: usize,
    ) -> usize;
}

/// How many of `length` bytes a routine has moved that returns how many are left.
#[inline]
pub(super) const fn all_but(left: usize, length: usize) -> usize {
    length.wrapping_sub(left)
}

/// Copies forward, with at least one side in user memory. If the ranges overlap, the bytes that both
/// share end up unspecified.
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
    let mut record = Record::new();
    // SAFETY: the record outlives the call; the caller vouches for the kernel's side, and a
    // fault on a user side returns.
    let answer = unsafe { usermode_accessors_copy(&raw mut record, destination, source, length) };
    record.result(moved(answer, length))
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
    // SAFETY: the record outlives the call; the caller vouches for both sides, and an exception that
    // is dispatched returns.
    let answer = unsafe { usermode_accessors_copy(&raw mut record, destination, source, length) };
    record.result(moved(answer, length))
}

/// Copies from the last byte down, with at least one side in user memory. The trap counts the
/// bytes at the end.
///
/// # Safety
///
/// As for [`guarded_copy`].
pub(crate) unsafe fn guarded_copy_backward(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new();
    // SAFETY: as above.
    let answer =
        unsafe { usermode_accessors_copy_backward(&raw mut record, destination, source, length) };
    record.result(all_but(answer, length))
}

/// Copies forward with streaming stores, with at least one side in user memory.
///
/// # Safety
///
/// As for [`guarded_copy`].
pub(crate) unsafe fn guarded_copy_nontemporal(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new();
    // SAFETY: as above.
    let answer = unsafe {
        usermode_accessors_copy_nontemporal(&raw mut record, destination, source, length)
    };
    record.result(moved(answer, length))
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
    let answer =
        unsafe { usermode_accessors_fill(&raw mut record, destination, u32::from(byte), length) };
    record.result(moved(answer, length))
}
