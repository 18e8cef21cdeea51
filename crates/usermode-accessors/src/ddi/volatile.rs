//! Volatile memory: kernel memory that may change while it is accessed.
//!
//! Nothing here is elided, or made into another access by the compiler. Accesses may be unaligned,
//! and may touch a location more than once. Nothing is checked or guarded. Ordering with other
//! accesses is what the processor gives to plain ones. A length may be the whole of the memory.

use crate::{arch, guarded};

/// `RtlCopyVolatileMemory`: copies `length` bytes of memory that may change meanwhile, and
/// returns `destination`.
///
/// Never elided, and never made into another copy by the compiler; accesses may be unaligned.
/// Nothing is checked or guarded. IRQL: any at which both ranges are resident.
///
/// # Safety
///
/// Both ranges are valid kernel memory for `length` bytes. If they overlap, what the shared
/// bytes hold afterwards is unspecified.
#[inline]
pub unsafe fn copy_volatile_memory(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> *mut u8 {
    // SAFETY: the caller vouches for both ranges.
    unsafe { arch::copy(destination, source, length) };
    destination
}

/// `RtlMoveVolatileMemory`: as [`copy_volatile_memory`], and the ranges may overlap: every byte
/// arrives as it was before, if nobody else writes.
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
    // SAFETY: the caller vouches for both ranges.
    unsafe { guarded::move_directly(destination, source, length) };
    destination
}

/// `RtlFillVolatileMemory`: sets `length` bytes to `fill`, and returns `destination`.
///
/// Microsoft's `int` of which one byte is used is a byte here, so it cannot be mistaken for the
/// length. IRQL: any at which the range is resident.
///
/// # Safety
///
/// The range is valid kernel memory for `length` bytes.
#[inline]
pub unsafe fn fill_volatile_memory(destination: *mut u8, length: usize, fill: u8) -> *mut u8 {
    // SAFETY: the caller vouches for the range.
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

/// `RtlSecureZeroMemory2`: [`zero_volatile_memory`], by the name that says why: secrets are gone
/// from this memory when it returns, also if nobody looks at it again.
///
/// # Safety
///
/// As for [`fill_volatile_memory`].
#[inline]
pub unsafe fn secure_zero_memory2(destination: *mut u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise is the same.
    unsafe { zero_volatile_memory(destination, length) }
}
