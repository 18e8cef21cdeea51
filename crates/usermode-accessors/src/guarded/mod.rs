//! Accesses on behalf of a mode: checked and guarded, or direct.
//!
//! All accesses of the crate use these functions. Only they choose a guarded routine.

use core::ptr;

use crate::{
    Access, Fault, Mode, Scalar,
    arch::{self, Side},
    overlaps, probe,
};

#[cfg(feature = "umaccess")]
use crate::umaccess;

mod interlocked;
mod string;

pub(crate) use interlocked::{and, compare_exchange, or};
pub(crate) use string::{string_length, unbounded_string_length};

/// Whether an access of one number orders other accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Relaxed,
    /// A read keeps later accesses after it. A write keeps earlier accesses before it.
    AcquireRelease,
}

/// How a copy stores its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Cached,
    /// With a hint to bypass the cache.
    NonTemporal,
}

#[inline]
const fn user_pointer(address: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(address)
}

/// Checks that a user address is in range. A kernel address is not checked.
#[inline]
fn probed(address: usize, length: usize, access: Access, mode: Mode) -> Result<(), Fault> {
    match mode {
        Mode::Kernel => Ok(()),
        Mode::User => probe::check_range(address, length)
            .map_err(|status| Fault::refused(status, address, access)),
    }
}

/// Copies forward between two addresses, each from a caller in its mode. Both are checked before either
/// is accessed, the source first.
///
/// # Safety
///
/// A side whose mode is [`Mode::Kernel`] is valid for `length` bytes.
#[inline]
pub(crate) unsafe fn copy(
    (destination, destination_mode): (usize, Mode),
    (source, source_mode): (usize, Mode),
    length: usize,
    route: Route,
) -> Result<(), Fault> {
    probed(source, length, Access::Read, source_mode)?;
    probed(destination, length, Access::Write, destination_mode)?;
    #[cfg(feature = "umaccess")]
    if let (Mode::User, _) | (_, Mode::User) = (destination_mode, source_mode) {
        let to = (user_pointer(destination), destination_mode == Mode::User);
        let from = (user_pointer(source).cast_const(), source_mode == Mode::User);
        // SAFETY: the caller's promise is the same.
        return unsafe { umaccess::copy(to, from, length, route) };
    }
    let (to, from) = (user_pointer(destination), user_pointer(source));
    let Some(side) = user_side(destination_mode, source_mode) else {
        match route {
            // SAFETY: the caller guarantees both sides.
            Route::Cached => unsafe { arch::copy(to, from, length) },
            // SAFETY: as above.
            Route::NonTemporal => unsafe { arch::copy_nontemporal(to, from, length) },
        }
        return Ok(());
    };
    let result = match route {
        // SAFETY: each side is a user range, or the caller guarantees it.
        Route::Cached => unsafe { arch::guarded_copy(side, to, from, length) },
        // SAFETY: as above.
        Route::NonTemporal => unsafe { arch::guarded_copy_nontemporal(side, to, from, length) },
    };
    result.map_err(|trap| Fault::from_trap(trap, expected(side)))
}

/// Copies ranges that may overlap: backward where [`moves_backward`] holds, else forward.
///
/// # Safety
///
/// As for [`copy`].
pub(crate) unsafe fn move_bytes(
    (destination, destination_mode): (usize, Mode),
    (source, source_mode): (usize, Mode),
    length: usize,
) -> Result<(), Fault> {
    let (to_mode, from_mode) = (destination_mode, source_mode);
    if !overlaps(destination, source, length) {
        let (to, from) = ((destination, to_mode), (source, from_mode));
        // SAFETY: the caller's promise is the same.
        return unsafe { copy(to, from, length, Route::Cached) };
    }
    probed(source, length, Access::Read, from_mode)?;
    probed(destination, length, Access::Write, to_mode)?;
    #[cfg(feature = "umaccess")]
    if (to_mode, from_mode) == (Mode::User, Mode::User) {
        return umaccess::move_bytes(user_pointer(destination), user_pointer(source), length);
    }
    let (to, from) = (user_pointer(destination), user_pointer(source));
    let Some(side) = user_side(to_mode, from_mode) else {
        // SAFETY: the caller guarantees both sides.
        unsafe { move_overlapping(to, from, length) };
        return Ok(());
    };
    let result = if moves_backward(destination, source, length) {
        // SAFETY: each side is a user range, or the caller guarantees it.
        unsafe { arch::guarded_copy_backward(side, to, from, length) }
    } else {
        // SAFETY: as above.
        unsafe { arch::guarded_copy_upward(side, to, from, length) }
    };
    result.map_err(|trap| Fault::from_trap(trap, expected(side)))
}

/// Copies ranges that may overlap, without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes.
#[inline]
pub(crate) unsafe fn move_directly(destination: *mut u8, source: *const u8, length: usize) {
    if overlaps(destination.addr(), source.addr(), length) {
        // SAFETY: the caller's promise is the same.
        unsafe { move_overlapping(destination, source, length) };
    } else {
        // SAFETY: as above.
        unsafe { arch::copy(destination, source, length) };
    }
}

/// # Safety
///
/// As for [`move_directly`].
unsafe fn move_overlapping(destination: *mut u8, source: *const u8, length: usize) {
    if moves_backward(destination.addr(), source.addr(), length) {
        // SAFETY: the caller's promise is the same.
        unsafe { arch::copy_backward(destination, source, length) };
    } else {
        // SAFETY: as above.
        unsafe { arch::copy_upward(destination, source, length) };
    }
}

/// Returns whether a move of `length` bytes runs from the last byte to the first.
///
/// It does if the ranges share a byte and the destination lies above the source.
///
/// After a fault of such a move, [`Fault::copied`] counts from the end.
#[must_use]
#[inline]
pub const fn moves_backward(destination: usize, source: usize, length: usize) -> bool {
    destination > source && overlaps(destination, source, length)
}

/// Returns the side of a copy that is guarded, if one is.
#[inline]
const fn user_side(destination: Mode, source: Mode) -> Option<Side> {
    match (destination, source) {
        (Mode::Kernel, Mode::Kernel) => None,
        (Mode::User, Mode::Kernel) => Some(Side::Destination),
        (Mode::Kernel, Mode::User) => Some(Side::Source),
        (Mode::User, Mode::User) => Some(Side::Both),
    }
}

/// Returns the kind of access that a fault of a copy most likely had, for a trap that does not report
/// it.
#[inline]
const fn expected(side: Side) -> Access {
    match side {
        Side::Destination => Access::Write,
        Side::Source | Side::Both => Access::Read,
    }
}

/// Fills a range from a caller in `mode`.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `destination` is valid for `length` bytes.
#[inline]
pub(crate) unsafe fn fill(
    destination: usize,
    byte: u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    probed(destination, length, Access::Write, mode)?;
    let pointer = user_pointer(destination);
    #[cfg(feature = "umaccess")]
    if mode == Mode::User {
        return umaccess::fill(pointer, byte, length);
    }
    match mode {
        Mode::Kernel => {
            // SAFETY: the caller guarantees the range.
            unsafe { arch::fill(pointer, byte, length) };
            Ok(())
        }
        Mode::User => {
            // SAFETY: it is a user range.
            unsafe { arch::guarded_fill(pointer, byte, length) }
                .map_err(|trap| Fault::from_trap(trap, Access::Write))
        }
    }
}

/// Reads a number at an address from a caller in `mode`, with one instruction.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `source` is valid.
#[inline]
pub(crate) unsafe fn read<T: Scalar>(source: usize, mode: Mode, order: Order) -> Result<T, Fault> {
    probed(source, T::WIDTH as usize, Access::Read, mode)?;
    let pointer = user_pointer(source);
    #[cfg(feature = "umaccess")]
    if mode == Mode::User {
        return umaccess::read(pointer, order);
    }
    let bits = match (mode, order) {
        (Mode::Kernel, Order::Relaxed) => {
            // SAFETY: the caller guarantees the address.
            Ok(unsafe { arch::read(pointer, T::WIDTH) })
        }
        (Mode::Kernel, Order::AcquireRelease) => {
            // SAFETY: as above.
            Ok(unsafe { arch::read_acquire(pointer, T::WIDTH) })
        }
        (Mode::User, Order::Relaxed) => {
            // SAFETY: it is a user range.
            unsafe { arch::guarded_read(pointer, T::WIDTH) }
        }
        (Mode::User, Order::AcquireRelease) => {
            // SAFETY: it is a user range.
            unsafe { arch::guarded_read_acquire(pointer, T::WIDTH) }
        }
    };
    bits.map(T::from_bits)
        .map_err(|trap| Fault::from_trap(trap, Access::Read))
}

/// Writes a number to an address from a caller in `mode`, with one instruction.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `destination` is valid.
#[inline]
pub(crate) unsafe fn write<T: Scalar>(
    destination: usize,
    value: T,
    mode: Mode,
    order: Order,
) -> Result<(), Fault> {
    probed(destination, T::WIDTH as usize, Access::Write, mode)?;
    #[cfg(feature = "umaccess")]
    if mode == Mode::User {
        return umaccess::write(user_pointer(destination), value, order);
    }
    let (pointer, bits) = (user_pointer(destination), value.into_bits());
    let result = match (mode, order) {
        (Mode::Kernel, Order::Relaxed) => {
            // SAFETY: the caller guarantees the address.
            unsafe { arch::write(pointer, bits, T::WIDTH) };
            Ok(())
        }
        (Mode::Kernel, Order::AcquireRelease) => {
            // SAFETY: as above.
            unsafe { arch::write_release(pointer, bits, T::WIDTH) };
            Ok(())
        }
        (Mode::User, Order::Relaxed) => {
            // SAFETY: it is a user range.
            unsafe { arch::guarded_write(pointer, bits, T::WIDTH) }
        }
        (Mode::User, Order::AcquireRelease) => {
            // SAFETY: it is a user range.
            unsafe { arch::guarded_write_release(pointer, bits, T::WIDTH) }
        }
    };
    result.map_err(|trap| Fault::from_trap(trap, Access::Write))
}
