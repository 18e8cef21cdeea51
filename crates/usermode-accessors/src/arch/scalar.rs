//! Guarded reads and writes of exactly one instruction.

use super::{
    Trap, Width,
    record::{Record, guard, guard_number},
};

/// A guarded routine that reads. It returns the number, or [`FAULTED`](super::record::FAULTED).
pub(super) type Read = unsafe extern "efiapi" fn(*mut Record, *const u8) -> u64;
/// A guarded routine that writes. It returns 0 unless it faulted.
pub(super) type Write = unsafe extern "efiapi" fn(*mut Record, *mut u8, u64) -> usize;

macro_rules! accesses {
    ($($read:ident $closed:ident $write:ident;)*) => {
        unsafe extern "efiapi" {
            $(
                pub(super) fn $read(record: *mut Record, source: *const u8) -> u64;
                /// Reads kernel memory.
                pub(super) fn $closed(record: *mut Record, source: *const u8) -> u64;
                pub(super) fn $write(record: *mut Record, destination: *mut u8, value: u64) -> usize;
            )*
        }
    };
}

accesses! {
    usermode_accessors_read1 usermode_accessors_read1_closed usermode_accessors_write1;
    usermode_accessors_read2 usermode_accessors_read2_closed usermode_accessors_write2;
    usermode_accessors_read4 usermode_accessors_read4_closed usermode_accessors_write4;
    usermode_accessors_read8 usermode_accessors_read8_closed usermode_accessors_write8;
}

/// Reads memory with a guarded routine.
///
/// # Safety
///
/// The range that the routine reads passed [`crate::probe::check_range`], or is mapped if the routine
/// reads kernel memory.
#[cfg_attr(target_arch = "x86_64", inline)]
pub(super) unsafe fn guarded_read_by(routine: Read, source: *const u8) -> Result<u64, Trap> {
    // SAFETY: an exception that is dispatched returns.
    let read = |record| unsafe { routine(record, source) };
    // SAFETY: the routine returns a number.
    unsafe { guard_number(read) }
}

/// Writes user memory with a guarded routine.
///
/// # Safety
///
/// The range that the routine writes passed [`crate::probe::check_range`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(super) unsafe fn guarded_write_by(
    routine: Write,
    destination: *mut u8,
    value: u64,
) -> Result<(), Trap> {
    // SAFETY: a fault on the user side returns.
    let write = |record| unsafe { routine(record, destination, value) };
    // SAFETY: only after a fault the result is not 0.
    unsafe { guard(write, |faulted| (faulted != 0).then_some(0)) }.map(|_| ())
}

/// Reads user memory with exactly one instruction of the given width, zero-extended.
///
/// # Safety
///
/// The range passed [`crate::probe::check_range`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_read(source: *const u8, width: Width) -> Result<u64, Trap> {
    let routine: Read = match width {
        Width::One => usermode_accessors_read1,
        Width::Two => usermode_accessors_read2,
        Width::Four => usermode_accessors_read4,
        Width::Eight => usermode_accessors_read8,
    };
    // SAFETY: the caller's promise is the same.
    unsafe { guarded_read_by(routine, source) }
}

/// As [`guarded_read`], of kernel memory: user memory stays closed.
///
/// # Safety
///
/// The range is mapped.
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_read_closed(source: *const u8, width: Width) -> Result<u64, Trap> {
    let routine: Read = match width {
        Width::One => usermode_accessors_read1_closed,
        Width::Two => usermode_accessors_read2_closed,
        Width::Four => usermode_accessors_read4_closed,
        Width::Eight => usermode_accessors_read8_closed,
    };
    // SAFETY: the caller's promise is the same.
    unsafe { guarded_read_by(routine, source) }
}

/// Writes the low bytes of `value` to user memory with exactly one instruction of the width.
///
/// # Safety
///
/// The range passed [`crate::probe::check_range`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_write(
    destination: *mut u8,
    value: u64,
    width: Width,
) -> Result<(), Trap> {
    let routine: Write = match width {
        Width::One => usermode_accessors_write1,
        Width::Two => usermode_accessors_write2,
        Width::Four => usermode_accessors_write4,
        Width::Eight => usermode_accessors_write8,
    };
    // SAFETY: the caller's promise is the same.
    unsafe { guarded_write_by(routine, destination, value) }
}
