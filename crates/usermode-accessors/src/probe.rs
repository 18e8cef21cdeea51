//! The checks that an untrusted address must pass before anything touches it.
//!
//! Pure functions of numbers. They say that a range *may* be accessed under guard, never that
//! the access will succeed: another thread can unmap or protect the memory at any time.
//!
//! Where both checks fail, alignment is reported; the documentation of `ProbeForRead` leaves
//! the order open. An access of length 0 touches nothing, so nothing about it is checked, not
//! even the alignment value: that is the documented rule of `ProbeForRead` and `ProbeForWrite`.
//!
//! Source: `ProbeForRead`, `ProbeForWrite` (`wdm.h`); `CopyFromUserAligned`
//! (`usermode_accessors.h`).

use crate::NtStatus;

/// The first address that is not user memory: `MmUserProbeAddress` on x64 and Arm64.
///
/// The 64 KiB below the canonical boundary are nobody's. Where the processor runs five-level
/// page tables and a process has memory above this limit, that memory is refused, not accessed.
pub const USER_LIMIT: usize = 0x0000_7FFF_FFFF_0000;

/// Whether `length` bytes from `address` all lie below [`USER_LIMIT`].
///
/// # Errors
///
/// [`NtStatus::ACCESS_VIOLATION`] if the end is above the limit or wraps around.
#[inline]
pub const fn check_range(address: usize, length: usize) -> Result<(), NtStatus> {
    if length == 0 {
        return Ok(());
    }
    // A known length leaves one comparison of this.
    match USER_LIMIT.checked_sub(length) {
        Some(last) if address <= last => Ok(()),
        _ => Err(NtStatus::ACCESS_VIOLATION),
    }
}

/// Whether `address` is a multiple of `alignment` bytes.
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

/// Alignment first, then range.
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
