//! Locked operations on behalf of a mode.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use super::user_pointer;
use crate::{
    Access, Fault, Interlocked, Mode,
    arch::{self, Trap, Width},
    probe,
};

/// Natural alignment is demanded in either mode: it is a condition of the operation, and a locked
/// access across a cache line holds up every processor. User addresses must also be in range.
const fn probed<T: Interlocked>(destination: usize, mode: Mode) -> Result<*mut u8, Fault> {
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

fn is_wide<T: Interlocked>() -> bool {
    T::WIDTH == Width::Eight
}

fn finish<T: Interlocked>(original: Result<u64, Trap>) -> Result<T, Fault> {
    original
        .map(T::from_bits)
        .map_err(|trap| Fault::from_trap(trap, Access::Write))
}

/// A kernel address, as what the standard atomics take.
enum Place<'a> {
    Narrow(&'a AtomicU32),
    Wide(&'a AtomicU64),
}

/// # Safety
///
/// The address is valid for a `T`, which is accessed by atomic operations alone meanwhile. It is
/// aligned.
unsafe fn place<'a, T: Interlocked>(pointer: *mut u8) -> Place<'a> {
    if is_wide::<T>() {
        // SAFETY: the caller vouches for the address.
        Place::Wide(unsafe { AtomicU64::from_ptr(pointer.cast()) })
    } else {
        // SAFETY: the caller vouches for the address.
        Place::Narrow(unsafe { AtomicU32::from_ptr(pointer.cast()) })
    }
}

/// The low half: what a narrow operation is about.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a narrow value has its bits in the low half"
)]
const fn low(bits: u64) -> u32 {
    bits as u32
}

/// ANDs, and returns what was there.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `destination` is valid, and accessed by atomic operations alone
/// meanwhile.
pub(crate) unsafe fn and<T: Interlocked>(
    destination: usize,
    value: T,
    mode: Mode,
) -> Result<T, Fault> {
    let (pointer, bits) = (probed::<T>(destination, mode)?, value.into_bits());
    if mode == Mode::User {
        // SAFETY: it is an aligned user range.
        return finish(unsafe { arch::guarded_and(pointer, bits, is_wide::<T>()) });
    }
    // SAFETY: the caller's promise is the same.
    let original = match unsafe { place::<T>(pointer) } {
        Place::Narrow(place) => place.fetch_and(low(bits), SeqCst).into(),
        Place::Wide(place) => place.fetch_and(bits, SeqCst),
    };
    Ok(T::from_bits(original))
}

/// ORs, and returns what was there.
///
/// # Safety
///
/// As for [`and`].
pub(crate) unsafe fn or<T: Interlocked>(
    destination: usize,
    value: T,
    mode: Mode,
) -> Result<T, Fault> {
    let (pointer, bits) = (probed::<T>(destination, mode)?, value.into_bits());
    if mode == Mode::User {
        // SAFETY: it is an aligned user range.
        return finish(unsafe { arch::guarded_or(pointer, bits, is_wide::<T>()) });
    }
    // SAFETY: the caller's promise is the same.
    let original = match unsafe { place::<T>(pointer) } {
        Place::Narrow(place) => place.fetch_or(low(bits), SeqCst).into(),
        Place::Wide(place) => place.fetch_or(bits, SeqCst),
    };
    Ok(T::from_bits(original))
}

/// Stores `exchange` if `comperand` is there, and returns what was there.
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
    let pointer = probed::<T>(destination, mode)?;
    let (exchange, comperand) = (exchange.into_bits(), comperand.into_bits());
    if mode == Mode::User {
        // SAFETY: it is an aligned user range.
        let original =
            unsafe { arch::guarded_compare_exchange(pointer, exchange, comperand, is_wide::<T>()) };
        return finish(original);
    }
    // SAFETY: the caller's promise is the same.
    let original = match unsafe { place::<T>(pointer) } {
        Place::Narrow(place) => place
            .compare_exchange(low(comperand), low(exchange), SeqCst, SeqCst)
            .unwrap_or_else(|other| other)
            .into(),
        Place::Wide(place) => place
            .compare_exchange(comperand, exchange, SeqCst, SeqCst)
            .unwrap_or_else(|other| other),
    };
    Ok(T::from_bits(original))
}
