//! One access on behalf of a mode: checked and guarded, or direct.
//!
//! Everything above this file comes down to these functions; they alone choose a leaf.

use core::ptr;

use crate::{
    Access, Fault, Mode,
    arch::{self, Width},
    probe,
};

mod sealed {
    use crate::arch::Width;

    pub trait Bits: Copy {
        const WIDTH: Width;
        fn from_bits(bits: u64) -> Self;
        fn into_bits(self) -> u64;
    }
}

/// A number of 1, 2, 4 or 8 bytes that one instruction can read or write.
pub trait Scalar: sealed::Bits {}

macro_rules! scalars {
    ($($type:ty, $unsigned:ty, $width:ident;)+) => {$(
        impl sealed::Bits for $type {
            const WIDTH: Width = Width::$width;

            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_possible_wrap,
                reason = "the low bits are the value, whatever the type"
            )]
            fn from_bits(bits: u64) -> Self {
                bits as Self
            }

            #[allow(
                clippy::cast_lossless,
                clippy::cast_sign_loss,
                reason = "the bits are kept, whatever the type"
            )]
            fn into_bits(self) -> u64 {
                (self as $unsigned) as u64
            }
        }

        impl Scalar for $type {}
    )+};
}

scalars! {
    u8, u8, One;
    i8, u8, One;
    u16, u16, Two;
    i16, u16, Two;
    u32, u32, Four;
    i32, u32, Four;
    u64, u64, Eight;
    i64, u64, Eight;
    usize, usize, Eight;
    isize, usize, Eight;
}

const fn user_pointer(address: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(address)
}

fn probed(address: usize, length: usize, access: Access) -> Result<(), Fault> {
    probe::check_range(address, length).map_err(|status| Fault::refused(status, address, access))
}

/// Copies from what a caller named to kernel memory.
///
/// # Safety
///
/// `destination` is valid for `length` bytes. If `mode` is [`Mode::Kernel`], so is `source`.
pub(crate) unsafe fn copy_from(
    destination: *mut u8,
    source: usize,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    match mode {
        Mode::Kernel => {
            // SAFETY: the caller vouches for both sides.
            unsafe { arch::copy(destination, user_pointer(source), length) };
            Ok(())
        }
        Mode::User => {
            probed(source, length, Access::Read)?;
            // SAFETY: the caller vouches for the destination; the source is a user range.
            unsafe { arch::guarded_copy(destination, user_pointer(source), length) }
                .map_err(|trap| Fault::from_trap(trap, Access::Read))
        }
    }
}

/// Copies from kernel memory to what a caller named.
///
/// # Safety
///
/// `source` is valid for `length` bytes. If `mode` is [`Mode::Kernel`], so is `destination`.
pub(crate) unsafe fn copy_to(
    destination: usize,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    match mode {
        Mode::Kernel => {
            // SAFETY: the caller vouches for both sides.
            unsafe { arch::copy(user_pointer(destination), source, length) };
            Ok(())
        }
        Mode::User => {
            probed(destination, length, Access::Write)?;
            // SAFETY: the caller vouches for the source; the destination is a user range.
            unsafe { arch::guarded_copy(user_pointer(destination), source, length) }
                .map_err(|trap| Fault::from_trap(trap, Access::Write))
        }
    }
}

/// Fills what a caller named.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `destination` is valid for `length` bytes.
pub(crate) unsafe fn fill(
    destination: usize,
    byte: u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    match mode {
        Mode::Kernel => {
            // SAFETY: the caller vouches for the range.
            unsafe { arch::fill(user_pointer(destination), byte, length) };
            Ok(())
        }
        Mode::User => {
            probed(destination, length, Access::Write)?;
            // SAFETY: it is a user range.
            unsafe { arch::guarded_fill(user_pointer(destination), byte, length) }
                .map_err(|trap| Fault::from_trap(trap, Access::Write))
        }
    }
}

/// Reads a number that a caller named, with one instruction.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `source` is valid.
pub(crate) unsafe fn read<T: Scalar>(source: usize, mode: Mode) -> Result<T, Fault> {
    let bits = match mode {
        Mode::Kernel => {
            // SAFETY: the caller vouches for the address.
            unsafe { arch::read(user_pointer(source), T::WIDTH) }
        }
        Mode::User => {
            probed(source, T::WIDTH as usize, Access::Read)?;
            // SAFETY: it is a user range.
            unsafe { arch::guarded_read(user_pointer(source), T::WIDTH) }
                .map_err(|trap| Fault::from_trap(trap, Access::Read))?
        }
    };
    Ok(T::from_bits(bits))
}

/// Writes a number to where a caller named, with one instruction.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `destination` is valid.
pub(crate) unsafe fn write<T: Scalar>(
    destination: usize,
    value: T,
    mode: Mode,
) -> Result<(), Fault> {
    match mode {
        Mode::Kernel => {
            // SAFETY: the caller vouches for the address.
            unsafe { arch::write(user_pointer(destination), value.into_bits(), T::WIDTH) };
            Ok(())
        }
        Mode::User => {
            probed(destination, T::WIDTH as usize, Access::Write)?;
            // SAFETY: it is a user range.
            unsafe { arch::guarded_write(user_pointer(destination), value.into_bits(), T::WIDTH) }
                .map_err(|trap| Fault::from_trap(trap, Access::Write))
        }
    }
}
