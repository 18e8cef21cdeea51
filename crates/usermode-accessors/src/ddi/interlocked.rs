//! Interlocked operations: each cannot be divided by another, and is a full memory barrier.

use crate::{Fault, Mode, guarded};

/// `InterlockedAndToMode`: ANDs `value` into the 4 bytes at `destination`, an address that a caller in `mode`
/// named, and returns what was there before.
///
/// Natural alignment is demanded in either mode. Another thread that keeps changing the value can
/// make the operation try again: how often is not bounded, but each time needs a change that came
/// between. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// [`NtStatus::DATATYPE_MISALIGNMENT`](crate::NtStatus::DATATYPE_MISALIGNMENT) if `destination` is not
/// a multiple of its size. With [`Mode::User`] also
/// [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if it is not user memory, or the
/// exception that the memory raised. [`Fault::copied`] is 0, nothing was changed.
///
/// # Safety
///
/// With [`Mode::Kernel`], `destination` is valid kernel memory, and accessed by atomic operations
/// alone meanwhile: it is not guarded. In a process where user memory holds Rust objects, it must
/// be none that is in use.
#[inline]
pub unsafe fn interlocked_and_to_mode(
    destination: *mut i32,
    value: i32,
    mode: Mode,
) -> Result<i32, Fault> {
    let destination = destination.expose_provenance();
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::and(destination, value, mode) }
}

/// `InterlockedAndToUser`: [`interlocked_and_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_and_to_user(destination: *mut i32, value: i32) -> Result<i32, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { interlocked_and_to_mode(destination, value, Mode::User) }
}

/// `InterlockedAnd64ToMode`: ANDs `value` into the 8 bytes at `destination`; otherwise as
/// [`interlocked_and_to_mode`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_and64_to_mode(
    destination: *mut i64,
    value: i64,
    mode: Mode,
) -> Result<i64, Fault> {
    let destination = destination.expose_provenance();
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::and(destination, value, mode) }
}

/// `InterlockedAnd64ToUser`: [`interlocked_and64_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_and64_to_user(destination: *mut i64, value: i64) -> Result<i64, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { interlocked_and64_to_mode(destination, value, Mode::User) }
}

/// `InterlockedOrToMode`: ORs `value` into the 4 bytes at `destination`; otherwise as
/// [`interlocked_and_to_mode`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_or_to_mode(
    destination: *mut i32,
    value: i32,
    mode: Mode,
) -> Result<i32, Fault> {
    let destination = destination.expose_provenance();
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::or(destination, value, mode) }
}

/// `InterlockedOrToUser`: [`interlocked_or_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_or_to_user(destination: *mut i32, value: i32) -> Result<i32, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { interlocked_or_to_mode(destination, value, Mode::User) }
}

/// `InterlockedOr64ToMode`: ORs `value` into the 8 bytes at `destination`; otherwise as
/// [`interlocked_and_to_mode`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_or64_to_mode(
    destination: *mut i64,
    value: i64,
    mode: Mode,
) -> Result<i64, Fault> {
    let destination = destination.expose_provenance();
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::or(destination, value, mode) }
}

/// `InterlockedOr64ToUser`: [`interlocked_or64_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_or64_to_user(destination: *mut i64, value: i64) -> Result<i64, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { interlocked_or64_to_mode(destination, value, Mode::User) }
}

/// `InterlockedCompareExchangeToMode`: stores `exchange` in the 4 bytes at `destination`, an address
/// that a caller in `mode` named, if `comperand` is there, and returns what was there before.
///
/// It did so exactly if the answer is `comperand`. A comparison that fails changes nothing, but
/// needs writable memory all the same: the processor writes back what it found. Natural alignment
/// is demanded in either mode. There is one try. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_compare_exchange_to_mode(
    destination: *mut i32,
    exchange: i32,
    comperand: i32,
    mode: Mode,
) -> Result<i32, Fault> {
    let destination = destination.expose_provenance();
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::compare_exchange(destination, exchange, comperand, mode) }
}

/// `InterlockedCompareExchangeToUser`: [`interlocked_compare_exchange_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_compare_exchange_to_user(
    destination: *mut i32,
    exchange: i32,
    comperand: i32,
) -> Result<i32, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { interlocked_compare_exchange_to_mode(destination, exchange, comperand, Mode::User) }
}

/// `InterlockedCompareExchange64ToMode`: stores `exchange` in the 8 bytes at `destination`, an address
/// that a caller in `mode` named, if `comperand` is there, and returns what was there before.
///
/// It did so exactly if the answer is `comperand`. A comparison that fails changes nothing, but
/// needs writable memory all the same: the processor writes back what it found. Natural alignment
/// is demanded in either mode. There is one try. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_compare_exchange64_to_mode(
    destination: *mut i64,
    exchange: i64,
    comperand: i64,
    mode: Mode,
) -> Result<i64, Fault> {
    let destination = destination.expose_provenance();
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::compare_exchange(destination, exchange, comperand, mode) }
}

/// `InterlockedCompareExchange64ToUser`: [`interlocked_compare_exchange64_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`interlocked_and_to_mode`].
///
/// # Safety
///
/// As for [`interlocked_and_to_mode`].
#[inline]
pub unsafe fn interlocked_compare_exchange64_to_user(
    destination: *mut i64,
    exchange: i64,
    comperand: i64,
) -> Result<i64, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { interlocked_compare_exchange64_to_mode(destination, exchange, comperand, Mode::User) }
}
