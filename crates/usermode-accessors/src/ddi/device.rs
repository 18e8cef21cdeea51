//! Device memory, by single moves that are naturally aligned.
//!
//! Which widths come of that is not for a device with width rules of its own. Each move is one
//! instruction, none is left out or merged with another, and they are made in the order of their
//! addresses; ordering with other accesses is what the mapping's memory type gives.

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

/// `RtlFillDeviceMemory`: sets `length` bytes of device memory to `fill`, and returns
/// `destination`.
///
/// At each step the widest write that address and remaining length allow, naturally aligned. IRQL:
/// any at which the range is resident, else at most `APC_LEVEL`.
///
/// # Safety
///
/// The range is mapped for `length` bytes, and writing it has no effect that breaks memory safety.
pub unsafe fn fill_device_memory(destination: *mut u8, length: usize, fill: u8) -> *mut u8 {
    // SAFETY: the caller vouches for the range.
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

/// `RtlCompareDeviceMemory`: how many bytes are equal from the start on; `length` if all are.
///
/// One byte of each range at a time, lowest address first, and none after the first that differs.
/// IRQL: any at which both ranges are resident.
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
    // SAFETY: the caller vouches for both ranges.
    unsafe { device::compare(source1, source2, length) }
}

/// `RtlEqualDeviceMemory`: whether all bytes are equal.
///
/// At each step the widest read that both addresses and the remaining length allow, naturally
/// aligned on both sides, lowest address first; none after the first that differs. IRQL: any at
/// which both ranges are resident.
///
/// # Safety
///
/// As for [`compare_device_memory`].
#[must_use]
pub unsafe fn equal_device_memory(source1: *const u8, source2: *const u8, length: usize) -> bool {
    // SAFETY: the caller vouches for both ranges.
    unsafe { device::equal(source1, source2, length) }
}
