//! The checks that an untrusted address must pass before it is accessed.
//!
//! They are functions of numbers and of the user limit, which a driver sets once. A range that passes
//! *may* be accessed under guard. The access may still fail: another thread can unmap or protect the
//! memory at any time.
//!
//! If both checks fail, the status is that of the alignment; the documentation of `ProbeForRead` does
//! not define the order. An access of length 0 accesses nothing, so nothing is checked, not even the
//! alignment value. That is the documented rule of `ProbeForRead` and `ProbeForWrite`.
//!
//! Source: `ProbeForRead`, `ProbeForWrite` (`wdm.h`); `CopyFromUserAligned`
//! (`usermode_accessors.h`).

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::NtStatus;

/// The user limit with four levels of page tables: `MmUserProbeAddress` on x64 and Arm64.
///
/// The 64 KiB below the canonical boundary belong to no process.
pub const FOUR_LEVEL_LIMIT: usize = 0x0000_7FFF_FFFF_0000;

/// The first address of the upper half, which is the system's with any number of levels.
const UPPER_HALF: usize = 1 << 63;

/// Read by the guarded routines too.
pub(crate) static USER_LIMIT: AtomicUsize = AtomicUsize::new(FOUR_LEVEL_LIMIT);

/// Returns the user limit: the first address that is not user memory.
///
/// It is [`FOUR_LEVEL_LIMIT`] until [`set_user_limit`] is called.
#[inline]
#[must_use]
pub fn user_limit() -> usize {
    USER_LIMIT.load(Ordering::Relaxed)
}

/// Sets the user limit for this driver.
///
/// A driver calls it once, at load, with the value of the kernel's variable `MmUserProbeAddress`.
/// Without the call, memory above [`FOUR_LEVEL_LIMIT`] is refused. A process has such memory only with
/// five levels of page tables.
///
/// This crate does not look the variable up itself: it would have to import it, and could not be linked
/// into a program in user mode. It cannot find the limit in another way either: which levels are in use
/// is in `CR4`, which only ring 0 can read.
///
/// The function is safe. It accepts a limit in the lower half only, in which no Rust object of the
/// kernel lies, so no limit lets a safe function reach one. A wrong limit makes accesses fault, or
/// refuses user memory.
///
/// `MmUserProbeAddress` is exported by `ntoskrnl.exe` and declared by `ntddk.h`. Its one mention in the
/// documentation is "`IDebugDataSpaces::ReadDebuggerData`".
///
/// IRQL: any.
///
/// # Errors
///
/// [`NtStatus::INVALID_PARAMETER`] if `limit` is 0 or in the upper half. The limit is as before.
pub fn set_user_limit(limit: usize) -> Result<(), NtStatus> {
    if limit == 0 || limit >= UPPER_HALF {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    USER_LIMIT.store(limit, Ordering::Relaxed);
    Ok(())
}

/// Checks that all `length` bytes from `address` lie below the [`user_limit`].
///
/// # Errors
///
/// [`NtStatus::ACCESS_VIOLATION`] if the end is above the limit or wraps around.
#[inline]
pub fn check_range(address: usize, length: usize) -> Result<(), NtStatus> {
    if length == 0 {
        return Ok(());
    }
    match user_limit().checked_sub(length) {
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
pub fn check(address: usize, length: usize, alignment: usize) -> Result<(), NtStatus> {
    match check_alignment(address, length, alignment) {
        Ok(()) => check_range(address, length),
        refused => refused,
    }
}
