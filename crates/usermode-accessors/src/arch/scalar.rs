//! Guarded reads and writes of exactly one instruction.

use super::{Trap, Width, native::Record};

/// A guarded routine that reads.
pub(super) type Read = unsafe extern "efiapi" fn(*mut Record, *const u8) -> u64;
/// A guarded routine that writes.
pub(super) type Write = unsafe extern "efiapi" fn(*mut Record, *mut u8, u64);

unsafe extern "efiapi" {
    pub(super) fn usermode_accessors_read1(record: *mut Record, source: *const u8) -> u64;
    pub(super) fn usermode_accessors_read2(record: *mut Record, source: *const u8) -> u64;
    pub(super) fn usermode_accessors_read4(record: *mut Record, source: *const u8) -> u64;
    pub(super) fn usermode_accessors_read8(record: *mut Record, source: *const u8) -> u64;
    pub(super) fn usermode_accessors_write1(record: *mut Record, destination: *mut u8, value: u64);
    pub(super) fn usermode_accessors_write2(record: *mut Record, destination: *mut u8, value: u64);
    pub(super) fn usermode_accessors_write4(record: *mut Record, destination: *mut u8, value: u64);
    pub(super) fn usermode_accessors_write8(record: *mut Record, destination: *mut u8, value: u64);
}

/// Reads user memory with a guarded routine.
///
/// # Safety
///
/// The range that the routine reads passed [`crate::probe::check_range`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(super) unsafe fn guarded_read_by(routine: Read, source: *const u8) -> Result<u64, Trap> {
    let mut record = Record::new();
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let value = unsafe { routine(&raw mut record, source) };
    record.result(0).map(|()| value)
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
    let mut record = Record::new();
    // SAFETY: the record outlives the call; a fault on the user side returns.
    unsafe { routine(&raw mut record, destination, value) };
    record.result(0)
}

/// Reads user memory with exactly one instruction of the given width, zero-extended.
///
/// # Safety
///
/// The range passed [`crate::probe::check_range`].
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_read(source: *const u8, width: Width) -> Result<u64, Trap> {
    // SAFETY: the caller's promise is the same.
    unsafe { guarded_read_by(reader(width), source) }
}

/// As [`guarded_read`], of kernel memory: user memory stays closed.
///
/// # Safety
///
/// The range is mapped.
#[cfg_attr(target_arch = "x86_64", inline)]
pub(crate) unsafe fn guarded_read_closed(source: *const u8, width: Width) -> Result<u64, Trap> {
    let mut record = Record::closed();
    // SAFETY: the record outlives the call; an exception that is dispatched returns.
    let value = unsafe { reader(width)(&raw mut record, source) };
    record.result(0).map(|()| value)
}

const fn reader(width: Width) -> Read {
    match width {
        Width::One => usermode_accessors_read1,
        Width::Two => usermode_accessors_read2,
        Width::Four => usermode_accessors_read4,
        Width::Eight => usermode_accessors_read8,
    }
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
