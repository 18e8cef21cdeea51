//! Guarded copies and fills.

use super::record::{Record, guard};
use super::{Side, Trap};

/// A guarded routine that copies. It returns how many bytes are left: 0 unless it faulted.
type Routine = unsafe extern "efiapi" fn(*mut Record, *mut u8, *const u8, usize) -> usize;

/// A guarded routine that copies, by the side that is user memory.
struct Routines {
    source: Routine,
    destination: Routine,
    both: Routine,
}

macro_rules! routines {
    ($($name:ident: $from_user:ident, $to_user:ident, $within_user:ident;)*) => {
        unsafe extern "efiapi" {
            $(
                pub(super) fn $from_user(_: *mut Record, to: *mut u8, from: *const u8, _: usize) -> usize;
                pub(super) fn $to_user(_: *mut Record, to: *mut u8, from: *const u8, _: usize) -> usize;
                pub(super) fn $within_user(_: *mut Record, to: *mut u8, from: *const u8, _: usize) -> usize;
            )*
        }

        $(
            const $name: Routines = Routines {
                source: $from_user,
                destination: $to_user,
                both: $within_user,
            };
        )*
    };
}

routines! {
    COPY:
        usermode_accessors_copy_from_user,
        usermode_accessors_copy_to_user,
        usermode_accessors_copy_within_user;
    // The bytes that are left are those at the start.
    COPY_BACKWARD:
        usermode_accessors_copy_backward_from_user,
        usermode_accessors_copy_backward_to_user,
        usermode_accessors_copy_backward_within_user;
    COPY_NONTEMPORAL:
        usermode_accessors_copy_nontemporal_from_user,
        usermode_accessors_copy_nontemporal_to_user,
        usermode_accessors_copy_nontemporal_within_user;
}

#[cfg(target_arch = "x86_64")]
routines! {
    COPY_UPWARD:
        usermode_accessors_copy_upward_from_user,
        usermode_accessors_copy_upward_to_user,
        usermode_accessors_copy_upward_within_user;
}

/// On Arm a block is loaded before it is stored, so the copy may overwrite its own source.
#[cfg(target_arch = "aarch64")]
const COPY_UPWARD: Routines = COPY;

unsafe extern "efiapi" {
    /// Accesses kernel memory only.
    pub(super) fn usermode_accessors_copy_closed(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    /// Returns how many bytes are left.
    pub(super) fn usermode_accessors_fill(
        record: *mut Record,
        destination: *mut u8,
        byte: u32,
        length: usize,
    ) -> usize;
}

/// Returns how many bytes a routine has moved, if it left some of `length`.
fn moved(rest: usize, length: usize) -> Option<usize> {
    (rest != 0).then(|| length.wrapping_sub(rest))
}

/// Copies with the routine for a side.
///
/// # Safety
///
/// As for [`guarded_copy`].
#[cfg_attr(target_arch = "x86_64", inline)]
unsafe fn copy_by(
    routines: &Routines,
    side: Side,
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let routine = match side {
        Side::Source => routines.source,
        Side::Destination => routines.destination,
        Side::Both => routines.both,
    };
    // SAFETY: the caller guarantees a side in kernel memory, and a fault on a user side returns.
    let copy = |record| unsafe { routine(record, destination, source, length) };
    // SAFETY: the routine leaves bytes only after a fault.
    unsafe { guard(copy, |rest| moved(rest, length)) }.map(|_| ())
}

/// Copies forward, with user memory on `side`. If the ranges overlap, the shared bytes end up
/// unspecified.
///
/// # Safety
///
/// A side that is not user memory is valid for `length` bytes. A user side passed
/// [`crate::probe::check_range`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_copy(
    side: Side,
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_by(&COPY, side, destination, source, length) }
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
    let copy = |record| {
        // SAFETY: the caller guarantees both sides, and an exception that is dispatched returns.
        unsafe { usermode_accessors_copy_closed(record, destination, source, length) }
    };
    // SAFETY: the routine leaves bytes only after a fault.
    unsafe { guard(copy, |rest| moved(rest, length)) }.map(|_| ())
}

/// Copies as [`guarded_copy`] does, in the order of the addresses, with the effect of single bytes. So
/// the destination may lie below a source that it overlaps.
///
/// # Safety
///
/// As for [`guarded_copy`].
pub(crate) unsafe fn guarded_copy_upward(
    side: Side,
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_by(&COPY_UPWARD, side, destination, source, length) }
}

/// Copies from the last byte down, with user memory on `side`. The trap counts the bytes at the end.
///
/// # Safety
///
/// As for [`guarded_copy`].
pub(crate) unsafe fn guarded_copy_backward(
    side: Side,
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_by(&COPY_BACKWARD, side, destination, source, length) }
}

/// Copies forward with non-temporal stores, with user memory on `side`.
///
/// # Safety
///
/// As for [`guarded_copy`].
pub(crate) unsafe fn guarded_copy_nontemporal(
    side: Side,
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_by(&COPY_NONTEMPORAL, side, destination, source, length) }
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
    let fill = |record| {
        // SAFETY: a fault on the user side returns.
        unsafe { usermode_accessors_fill(record, destination, u32::from(byte), length) }
    };
    // SAFETY: the routine leaves bytes only after a fault.
    unsafe { guard(fill, |rest| moved(rest, length)) }.map(|_| ())
}
