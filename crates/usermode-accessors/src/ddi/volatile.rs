//! Volatile memory: kernel memory that may change while it is accessed.
//!
//! The compiler neither omits these accesses nor replaces them by others. They may be unaligned, and
//! may access a location more than once. Nothing is checked or guarded. Their order with other accesses
//! is that of plain accesses. A length may be that of the whole buffer.

use crate::{arch, guarded};

/// `RtlCopyVolatileMemory`: copies `length` bytes of memory that may change meanwhile, and returns
/// `destination`.
///
/// The compiler neither omits the copy nor replaces it. Accesses may be unaligned. Nothing is checked
/// or guarded. IRQL: any at which both ranges are resident.
///
/// # Safety
///
/// Both ranges are valid kernel memory for `length` bytes. If they overlap, the shared bytes end up
/// unspecified.
#[inline]
pub unsafe fn copy_volatile_memory(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> *mut u8 {
    // SAFETY: the caller guarantees both ranges.
    unsafe { arch::copy(destination, source, length) };
    destination
}

/// `RtlMoveVolatileMemory`: copies as [`copy_volatile_memory`] does. The ranges may overlap: the
/// destination then holds the bytes that the source had before, if nothing else writes.
///
/// # Safety
///
/// Both ranges are valid kernel memory for `length` bytes.
#[inline]
pub unsafe fn move_volatile_memory(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> *mut u8 {
    // SAFETY: the caller guarantees both ranges.
    unsafe { guarded::move_directly(destination, source, length) };
    destination
}

/// `RtlFillVolatileMemory`: sets `length` bytes to `fill`, and returns `destination`.
///
/// Microsoft's parameter is an `int` of which one byte is used. Here it is a byte, so it cannot be
/// swapped with the length. IRQL: any at which the range is resident.
///
/// # Safety
///
/// The range is valid kernel memory for `length` bytes.
#[inline]
pub unsafe fn fill_volatile_memory(destination: *mut u8, length: usize, fill: u8) -> *mut u8 {
    // SAFETY: the caller guarantees the range.
    unsafe { arch::fill(destination, fill, length) };
    destination
}

/// `RtlSetVolatileMemory`: [`fill_volatile_memory`] with the byte before the length.
///
/// # Safety
///
/// As for [`fill_volatile_memory`].
#[inline]
pub unsafe fn set_volatile_memory(destination: *mut u8, fill: u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise is the same.
    unsafe { fill_volatile_memory(destination, length, fill) }
}

/// `RtlZeroVolatileMemory`: [`fill_volatile_memory`] with 0.
///
/// # Safety
///
/// As for [`fill_volatile_memory`].
#[inline]
pub unsafe fn zero_volatile_memory(destination: *mut u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise is the same.
    unsafe { fill_volatile_memory(destination, length, 0) }
}

/// `RtlSecureZeroMemory2`: [`zero_volatile_memory`], for secrets. They are erased when it returns, even
/// if the memory is not read again.
///
/// # Safety
///
/// As for [`fill_volatile_memory`].
#[inline]
pub unsafe fn secure_zero_memory2(destination: *mut u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise is the same.
    unsafe { zero_volatile_memory(destination, length) }
}
