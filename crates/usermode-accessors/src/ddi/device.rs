//! Device memory: `RtlCopyDeviceMemory`.

use crate::{arch, device};

/// `FAST_FAIL_INVALID_ARG`.
const FAST_FAIL_INVALID_ARG: u32 = 5;

/// `RtlCopyDeviceMemory`: copies `length` bytes to, from or within device memory, and returns
/// `destination`.
///
/// With single moves, each naturally aligned on both sides, as [`DeviceSlice`](crate::DeviceSlice)
/// describes. IRQL: any at which both ranges are resident.
///
/// If the ranges [overlap](device::overlaps) the system is stopped at once by a fast fail with
/// `FAST_FAIL_INVALID_ARG`, which no handler can catch. That is Microsoft's documented answer.
///
/// # Safety
///
/// Both ranges are mapped for `length` bytes, and reading the one and writing the other has no
/// effect that breaks memory safety.
pub unsafe fn copy_device_memory(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> *mut u8 {
    if device::overlaps(destination.addr(), source.addr(), length) {
        arch::fast_fail(FAST_FAIL_INVALID_ARG);
    }
    // SAFETY: the caller vouches for both ranges.
    unsafe { device::copy(destination, source, length) };
    destination
}
