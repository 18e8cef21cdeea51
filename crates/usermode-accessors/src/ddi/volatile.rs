//! Volatile memory: `RtlCopyVolatileMemory`.

use crate::arch;

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
pub unsafe fn copy_volatile_memory(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> *mut u8 {
    // SAFETY: the caller vouches for both ranges.
    unsafe { arch::copy(destination, source, length) };
    destination
}
