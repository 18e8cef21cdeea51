//! The types that a single instruction reads or writes.

use core::{ffi::c_void, ptr};

use crate::arch::Width;

pub(crate) mod sealed {
    use crate::arch::Width;

    pub trait Bits: Copy {
        const WIDTH: Width;
        fn from_bits(bits: u64) -> Self;
        fn into_bits(self) -> u64;
    }
}

/// A value of 1, 2, 4 or 8 bytes that one instruction can read or write: an integer, or an address as
/// a `*mut c_void`.
pub trait Scalar: sealed::Bits {}

/// An integer of 4 or 8 bytes, for interlocked operations.
pub trait Interlocked: Scalar {}

/// A character of a string that ends with a zero.
pub trait Character: Scalar {}

macro_rules! scalars {
    ($($type:ty, $unsigned:ty, $width:ident;)+) => {$(
        impl sealed::Bits for $type {
            const WIDTH: Width = Width::$width;

            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_possible_wrap,
                reason = "the low bits are the value, whatever the type"
            )]
            #[inline]
            fn from_bits(bits: u64) -> Self {
                bits as Self
            }

            #[allow(
                clippy::cast_lossless,
                clippy::cast_sign_loss,
                reason = "the bits are kept, whatever the type"
            )]
            #[inline]
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

/// An address is exposed when it is written. An address that was read is untrusted, and must be checked
/// before it is used as a pointer.
impl sealed::Bits for *mut c_void {
    const WIDTH: Width = Width::Eight;

    #[inline]
    fn from_bits(bits: u64) -> Self {
        ptr::with_exposed_provenance_mut(usize::from_bits(bits))
    }

    #[inline]
    fn into_bits(self) -> u64 {
        self.expose_provenance().into_bits()
    }
}

impl Scalar for *mut c_void {}

macro_rules! marked {
    ($mark:ident: $($type:ty)+) => {
        $(impl $mark for $type {})+
    };
}

marked!(Interlocked: u32 i32 u64 i64);
marked!(Character: u8 i8 u16);
