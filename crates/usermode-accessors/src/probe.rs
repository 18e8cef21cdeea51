//! The checks that an untrusted address must pass before it is accessed.
//!
//! They are pure functions of numbers. A range that passes *may* be accessed under guard. The access
//! may still fail: another thread can unmap or protect the memory at any time.
//!
//! If both checks fail, the status is that of the alignment; the documentation of `ProbeForRead` does
//! not define the order. An access of length 0 accesses nothing, so nothing is checked, not even the
//! alignment value. That is the documented rule of `ProbeForRead` and `ProbeForWrite`.
//!
//! Source: `ProbeForRead`, `ProbeForWrite` (`wdm.h`); `CopyFromUserAligned`
//! (`usermode_accessors.h`).

use crate::NtStatus;

/// The first address that is not user memory: `MmUserProbeAddress` on x64 and Arm64.
///
/// The 64 KiB below the canonical boundary belong to no process. With five-level page tables a process
/// may have memory above this limit; that memory is refused.
pub const USER_LIMIT: usize = 0x0000_7FFF_FFFF_0000;

/// Checks that all `length` bytes from `address` lie below [`USER_LIMIT`].
///
/// # Errors
///
/// [`NtStatus::ACCESS_VIOLATION`] if the end is above the limit or wraps around.
#[inline]
pub const fn check_range(address: usize, length: usize) -> Result<(), NtStatus> {
    if length == 0 {
        return Ok(());
    }
    // If the length is known, this is one comparison.
    match USER_LIMIT.checked_sub(length) {
        Some(last) if address <= last => Ok(()),
        _ => Err(NtStatus::ACCESS_VIOLATION),
    }
}

/// Checks that `address` is a multiple of `alignment` bytes, if `length` is not 0.
///
/// # Errors
///
/// [`NtStatus::INVALID_PARAMETER`] if `alignment` is not a power of two;
/// [`NtStatus::DATATYPE_MISALIGNMENT`] if the address is not aligned to it.
#[inline]
pub const fn check_alignment(
    address: usize,
    length: usize,
    alignment: usize,
) -> Result<(), NtStatus> {
    if length == 0 {
        return Ok(());
    }
    if !alignment.is_power_of_two() {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    if address & alignment.wrapping_sub(1) != 0 {
        return Err(NtStatus::DATATYPE_MISALIGNMENT);
    }
    Ok(())
}

/// Checks the alignment, then the range.
///
/// # Errors
///
/// Those of [`check_alignment`], then those of [`check_range`].
#[inline]
pub const fn check(address: usize, length: usize, alignment: usize) -> Result<(), NtStatus> {
    match check_alignment(address, length, alignment) {
        Ok(()) => check_range(address, length),
        refused => refused,
    }
}
