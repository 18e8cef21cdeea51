//! Types of `wdk-sys`, for the feature `wdk-sys`.
//!
//! Some need no feature: `KPROCESSOR_MODE` is the `i8` of [`Mode::from_raw`](crate::Mode::from_raw) and
//! [`Mode::as_raw`](crate::Mode::as_raw), and `NTSTATUS` the `i32` of [`NtStatus::from_raw`] and of
//! `i32::from`.

use core::ptr;

use wdk_sys::{LARGE_INTEGER, ULARGE_INTEGER, UNICODE_STRING};

#[allow(unused_imports, reason = "the documentation links it")]
use crate::NtStatus;
use crate::{Scalar, UnicodeString, arch::Width, scalar::sealed};

/// The buffer becomes a number.
impl From<UNICODE_STRING> for UnicodeString {
    fn from(string: UNICODE_STRING) -> Self {
        Self {
            length: string.Length,
            maximum_length: string.MaximumLength,
            buffer: string.Buffer.expose_provenance(),
        }
    }
}

/// The buffer becomes a pointer, which is as untrusted as the number.
impl From<UnicodeString> for UNICODE_STRING {
    fn from(string: UnicodeString) -> Self {
        Self {
            Length: string.length,
            MaximumLength: string.maximum_length,
            Buffer: ptr::with_exposed_provenance_mut(string.buffer),
        }
    }
}

macro_rules! large_integers {
    ($($type:ident $from_bits:path, $into_bits:path;)+) => {$(
        impl sealed::Bits for $type {
            const WIDTH: Width = Width::Eight;

            #[inline]
            fn from_bits(bits: u64) -> Self {
                Self { QuadPart: $from_bits(bits) }
            }

            #[inline]
            fn into_bits(self) -> u64 {
                // SAFETY: all members have the same 8 bytes, and any bytes are an integer.
                $into_bits(unsafe { self.QuadPart })
            }
        }

        impl Scalar for $type {}
    )+};
}

large_integers! {
    LARGE_INTEGER u64::cast_signed, i64::cast_unsigned;
    ULARGE_INTEGER u64::from, u64::from;
}
