//! Device memory, accessed by single moves that are naturally aligned.
//!
//! Each move is one instruction. None is omitted or merged with another, and they are made in the
//! order of their addresses. Their order with other accesses is that of the memory type of the mapping.
//! A device that requires certain widths must be accessed register by register instead.

use crate::{arch, device};

/// `FAST_FAIL_INVALID_ARG`.
const FAST_FAIL_INVALID_ARG: u32 = 5;

/// `RtlCopyDeviceMemory`: copies `length` bytes to, from or within device memory, and returns
/// `destination`.
///
/// It makes single moves, each naturally aligned on both sides, as [`DeviceSlice`](crate::DeviceSlice)
/// describes. IRQL: any at which both ranges are resident.
///
/// If the ranges [overlap](device::overlaps), a fast fail with `FAST_FAIL_INVALID_ARG` stops the system
/// at once. No handler can catch it. Microsoft documents this.
///
/// # Safety
///
/// Both ranges are mapped for `length` bytes. Reading the source and writing the destination has no
/// effect that breaks memory safety.
pub unsafe fn copy_device_memory(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> *mut u8 {
    if device::overlaps(destination.addr(), source.addr(), length) {
        arch::fast_fail(FAST_FAIL_INVALID_ARG);
    }
    // SAFETY: the caller guarantees both ranges.
    unsafe { device::copy(destination, source, length) };
    destination
}

/// `RtlFillDeviceMemory`: sets `length` bytes of device memory to `fill`, and returns
/// `destination`.
///
/// Each write is the widest that the address and the remaining length allow, naturally aligned. IRQL:
/// any at which the range is resident, else at most `APC_LEVEL`.
///
/// # Safety
///
/// The range is mapped for `length` bytes, and writing it has no effect that breaks memory safety.
pub unsafe fn fill_device_memory(destination: *mut u8, length: usize, fill: u8) -> *mut u8 {
    // SAFETY: the caller guarantees the range.
    unsafe { device::fill(destination, length, fill) };
    destination
}

/// `RtlZeroDeviceMemory`: [`fill_device_memory`] with 0.
///
/// # Safety
///
/// As for [`fill_device_memory`].
pub unsafe fn zero_device_memory(destination: *mut u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise is the same.
    unsafe { fill_device_memory(destination, length, 0) }
}

/// `RtlCompareDeviceMemory`: returns how many bytes are equal from the start, which is `length` if all
/// are.
///
/// It reads one byte of each range at a time, lowest address first, and none after the first that
/// differs. IRQL: any at which both ranges are resident.
///
/// # Safety
///
/// Both ranges are mapped for `length` bytes, and reading them has no effect that breaks memory
/// safety.
#[must_use]
pub unsafe fn compare_device_memory(
    source1: *const u8,
    source2: *const u8,
    length: usize,
) -> usize {
    // SAFETY: the caller guarantees both ranges.
    unsafe { device::compare(source1, source2, length) }
}

/// `RtlEqualDeviceMemory`: returns whether all bytes are equal.
///
/// Each read is the widest that both addresses and the remaining length allow, naturally aligned on
/// both sides. Reads go from the lowest address on, and stop at the first that differs. IRQL: any at
/// which both ranges are resident.
///
/// # Safety
///
/// As for [`compare_device_memory`].
#[must_use]
pub unsafe fn equal_device_memory(source1: *const u8, source2: *const u8, length: usize) -> bool {
    // SAFETY: the caller guarantees both ranges.
    unsafe { device::equal(source1, source2, length) }
}
