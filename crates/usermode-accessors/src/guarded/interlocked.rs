//! Interlocked operations on behalf of a mode.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use super::user_pointer;
use crate::{
    Access, Fault, Interlocked, Mode,
    arch::{self, Trap, Width},
    probe,
};

#[cfg(feature = "umaccess")]
use crate::umaccess::{self, Update};

/// Natural alignment is required in either mode: it is a condition of the operation, and a locked
/// access across a cache line stops all processors. User addresses must also be in range.
fn probed<T: Interlocked>(destination: usize, mode: Mode) -> Result<*mut u8, Fault> {
    let size = T::WIDTH as usize;
    let checked = match mode {
        Mode::Kernel => probe::check_alignment(destination, size, size),
        Mode::User => probe::check(destination, size, size),
    };
    match checked {
        Ok(()) => Ok(user_pointer(destination)),
        Err(status) => Err(Fault::refused(status, destination, Access::Write)),
    }
}

/// A value in kernel memory, for the standard atomics.
enum Atomic<'a> {
    Narrow(&'a AtomicU32),
    Wide(&'a AtomicU64),
}

/// Returns the low half: the bits of a narrow value.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a narrow value has its bits in the low half"
)]
const fn low(bits: u64) -> u32 {
    bits as u32
}

/// Checks the address, and runs `user` on user memory or `kernel` on kernel memory. `user` also gets
/// whether the value is wide.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `destination` is valid for a `T`, and only atomic operations access
/// it meanwhile.
unsafe fn operate<T: Interlocked>(
    destination: usize,
    mode: Mode,
    user: impl FnOnce(*mut u8, bool) -> Result<u64, Trap>,
    kernel: impl FnOnce(Atomic<'_>) -> u64,
) -> Result<T, Fault> {
    let pointer = probed::<T>(destination, mode)?;
    let wide = T::WIDTH == Width::Eight;
    if mode == Mode::User {
        return user(pointer, wide)
            .map(T::from_bits)
            .map_err(|trap| Fault::from_trap(trap, Access::Write));
    }
    let atomic = if wide {
        // SAFETY: the caller guarantees the address; it is aligned.
        Atomic::Wide(unsafe { AtomicU64::from_ptr(pointer.cast()) })
    } else {
        // SAFETY: as above.
        Atomic::Narrow(unsafe { AtomicU32::from_ptr(pointer.cast()) })
    };
    Ok(T::from_bits(kernel(atomic)))
}

/// ANDs `value` in, and returns the value before.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `destination` is valid for a `T`, and only atomic operations access
/// it meanwhile.
pub(crate) unsafe fn and<T: Interlocked>(
    destination: usize,
    value: T,
    mode: Mode,
) -> Result<T, Fault> {
    let bits = value.into_bits();
    #[cfg(feature = "umaccess")]
    if mode == Mode::User {
        return umaccess::update(probed::<T>(destination, mode)?, bits, Update::And);
    }
    // SAFETY: an aligned user range.
    let user = |pointer, wide| unsafe { arch::guarded_and(pointer, bits, wide) };
    let kernel = |atomic: Atomic<'_>| match atomic {
        Atomic::Narrow(atomic) => atomic.fetch_and(low(bits), SeqCst).into(),
        Atomic::Wide(atomic) => atomic.fetch_and(bits, SeqCst),
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(destination, mode, user, kernel) }
}

/// ORs `value` in, and returns the value before.
///
/// # Safety
///
/// As for [`and`].
pub(crate) unsafe fn or<T: Interlocked>(
    destination: usize,
    value: T,
    mode: Mode,
) -> Result<T, Fault> {
    let bits = value.into_bits();
    #[cfg(feature = "umaccess")]
    if mode == Mode::User {
        return umaccess::update(probed::<T>(destination, mode)?, bits, Update::Or);
    }
    // SAFETY: an aligned user range.
    let user = |pointer, wide| unsafe { arch::guarded_or(pointer, bits, wide) };
    let kernel = |atomic: Atomic<'_>| match atomic {
        Atomic::Narrow(atomic) => atomic.fetch_or(low(bits), SeqCst).into(),
        Atomic::Wide(atomic) => atomic.fetch_or(bits, SeqCst),
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(destination, mode, user, kernel) }
}

/// Stores `exchange` if the value is `comperand`, and returns the value before.
///
/// # Safety
///
/// As for [`and`].
pub(crate) unsafe fn compare_exchange<T: Interlocked>(
    destination: usize,
    exchange: T,
    comperand: T,
    mode: Mode,
) -> Result<T, Fault> {
    let (new, old) = (exchange.into_bits(), comperand.into_bits());
    #[cfg(feature = "umaccess")]
    if mode == Mode::User {
        return umaccess::compare_exchange(probed::<T>(destination, mode)?, new, old);
    }
    // SAFETY: an aligned user range.
    let user = |pointer, wide| unsafe { arch::guarded_compare_exchange(pointer, new, old, wide) };
    let kernel = |atomic: Atomic<'_>| match atomic {
        Atomic::Narrow(atomic) => atomic
            .compare_exchange(low(old), low(new), SeqCst, SeqCst)
            .unwrap_or_else(|found| found)
            .into(),
        Atomic::Wide(atomic) => atomic
            .compare_exchange(old, new, SeqCst, SeqCst)
            .unwrap_or_else(|found| found),
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(destination, mode, user, kernel) }
}
