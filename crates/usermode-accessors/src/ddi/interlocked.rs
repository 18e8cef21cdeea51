//! Interlocked operations. Each is atomic, and a full memory barrier.

use crate::{Fault, Mode, guarded};

/// `InterlockedAndToMode`: ANDs `value` into the 4 bytes at `destination`, an address that a caller in
/// `mode` passed, and returns the value before.
///
/// Natural alignment is required in either mode. If another thread keeps changing the value, the
/// operation repeats. The number of repetitions is not bounded, but each needs a change in between.
/// IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// [`NtStatus::DATATYPE_MISALIGNMENT`](crate::NtStatus::DATATYPE_MISALIGNMENT) if `destination` is not a
/// multiple of its size. With [`Mode::User`] also
/// [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if it is not user memory, or the
/// exception that the memory raised. [`Fault::copied`] is 0, and nothing was changed.
///
/// # Safety
///
/// With [`Mode::Kernel`], `destination` is valid kernel memory, and only atomic operations access it
/// meanwhile; it is not guarded. In a process where user memory holds Rust objects, it must not be one
/// in use.
#[inline]
pub unsafe fn interlocked_and_to_mode(
    destination: *mut i32,
    value: i32,
    mode: Mode,
) -> Result<i32, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::and(destination.expose_provenance(), value, mode) }
}

/// `InterlockedAnd64ToMode`: ANDs `value` into the 8 bytes at `destination`. The rest is as for
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
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::and(destination.expose_provenance(), value, mode) }
}

/// `InterlockedOrToMode`: ORs `value` into the 4 bytes at `destination`. The rest is as for
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
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::or(destination.expose_provenance(), value, mode) }
}

/// `InterlockedOr64ToMode`: ORs `value` into the 8 bytes at `destination`. The rest is as for
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
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::or(destination.expose_provenance(), value, mode) }
}

/// `InterlockedCompareExchangeToMode`: stores `exchange` in the 4 bytes at `destination`, an address that a caller in `mode`
/// passed, if they hold `comperand`, and returns the value before.
///
/// It has stored `exchange` if the result is `comperand`. A comparison that fails changes nothing, but
/// needs writable memory: the processor writes back the value. Natural alignment is required in either
/// mode. The comparison is not repeated. IRQL: at most `APC_LEVEL`.
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

/// `InterlockedCompareExchange64ToMode`: stores `exchange` in the 8 bytes at `destination`, an address that a caller in `mode`
/// passed, if they hold `comperand`, and returns the value before.
///
/// It has stored `exchange` if the result is `comperand`. A comparison that fails changes nothing, but
/// needs writable memory: the processor writes back the value. Natural alignment is required in either
/// mode. The comparison is not repeated. IRQL: at most `APC_LEVEL`.
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

user_forms! {
    "InterlockedAndToUser", safety: "As for [`interlocked_and_to_mode`]."
    pub unsafe fn interlocked_and_to_user(destination: *mut i32, value: i32) -> i32
        => interlocked_and_to_mode(destination, value, Mode::User);
    "InterlockedAnd64ToUser", safety: "As for [`interlocked_and_to_mode`]."
    pub unsafe fn interlocked_and64_to_user(destination: *mut i64, value: i64) -> i64
        => interlocked_and64_to_mode(destination, value, Mode::User);
    "InterlockedOrToUser", safety: "As for [`interlocked_and_to_mode`]."
    pub unsafe fn interlocked_or_to_user(destination: *mut i32, value: i32) -> i32
        => interlocked_or_to_mode(destination, value, Mode::User);
    "InterlockedOr64ToUser", safety: "As for [`interlocked_and_to_mode`]."
    pub unsafe fn interlocked_or64_to_user(destination: *mut i64, value: i64) -> i64
        => interlocked_or64_to_mode(destination, value, Mode::User);
    "InterlockedCompareExchangeToUser", safety: "As for [`interlocked_and_to_mode`]."
    pub unsafe fn interlocked_compare_exchange_to_user(
        destination: *mut i32, exchange: i32, comperand: i32
    ) -> i32 => interlocked_compare_exchange_to_mode(destination, exchange, comperand, Mode::User);
    "InterlockedCompareExchange64ToUser", safety: "As for [`interlocked_and_to_mode`]."
    pub unsafe fn interlocked_compare_exchange64_to_user(
        destination: *mut i64, exchange: i64, comperand: i64
    ) -> i64 => interlocked_compare_exchange64_to_mode(destination, exchange, comperand, Mode::User);
}
