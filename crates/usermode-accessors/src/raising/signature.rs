//! Signatures of routines: which pointers to functions, arguments and results a guarded call takes.

use super::{ARGUMENTS, Exception};
use crate::NtStatus;
use core::{ffi::c_void, ptr};

/// A value that a routine takes or returns in a general register, or takes on the stack: an integer, an
/// address, or an [`NtStatus`].
#[diagnostic::on_unimplemented(
    message = "a guarded call cannot pass or return `{Self}`",
    label = "not an integer, a raw pointer or an `NtStatus`"
)]
pub trait Register: sealed::Register {}

/// What a routine returns: a [`Register`], or nothing.
#[diagnostic::on_unimplemented(
    message = "a guarded call cannot return `{Self}`",
    label = "not an integer, a raw pointer, an `NtStatus` or `()`"
)]
pub trait Output: sealed::Output {}

/// A pointer to a foreign function that takes the tuple `Arguments`.
///
/// Implemented for `unsafe extern "system"`, `"C"` and `"efiapi"` functions of up to [`ARGUMENTS`]
/// arguments. `wdk-sys` declares the kernel's routines as `extern "C"`.
#[diagnostic::on_unimplemented(
    message = "a guarded call of `{Self}` does not take the arguments `{Arguments}`",
    label = "not a pointer to a function with these arguments",
    note = "give the routine its type first: `let routine: unsafe extern \"system\" fn(_, _) -> _ = Routine;`",
    note = "the arguments are a tuple, each of the type that the routine declares"
)]
pub trait Routine<Arguments>: sealed::Routine<Arguments> {}

pub(super) mod sealed {
    use super::Exception;

    pub trait Register: Sized {
        fn from_bits(bits: usize) -> Self;
        fn into_bits(self) -> usize;
    }

    pub trait Output: Sized {
        fn from_bits(bits: usize) -> Self;
    }

    pub trait Routine<Arguments>: Sized {
        type Output;

        /// # Safety
        ///
        /// As for [`call`](super::super::call).
        unsafe fn call(self, arguments: Arguments) -> Result<Self::Output, Exception>;
    }
}

impl<T: sealed::Register> sealed::Output for T {
    #[inline]
    fn from_bits(bits: usize) -> Self {
        <Self as sealed::Register>::from_bits(bits)
    }
}

impl<T: Register> Output for T {}

macro_rules! integers {
    ($($type:ty)+) => {$(
        impl sealed::Register for $type {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_possible_wrap,
                reason = "the low bytes of a register are the value"
            )]
            #[inline]
            fn from_bits(bits: usize) -> Self {
                bits as Self
            }

            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_lossless,
                clippy::cast_sign_loss,
                reason = "the low bytes of a register are the value"
            )]
            #[inline]
            fn into_bits(self) -> usize {
                self as usize
            }
        }

        impl Register for $type {}
    )+};
}

integers!(u8 i8 u16 i16 u32 i32 u64 i64 usize isize);

/// An address is exposed when it is passed, because the routine uses it.
macro_rules! addresses {
    ($($kind:ident $from_bits:path;)+) => {$(
        impl<T> sealed::Register for *$kind T {
            #[inline]
            fn from_bits(bits: usize) -> Self {
                $from_bits(bits)
            }

            #[inline]
            fn into_bits(self) -> usize {
                self.expose_provenance()
            }
        }

        impl<T> Register for *$kind T {}
    )+};
}

addresses! {
    const ptr::with_exposed_provenance;
    mut ptr::with_exposed_provenance_mut;
}

impl sealed::Register for NtStatus {
    #[inline]
    fn from_bits(bits: usize) -> Self {
        Self(sealed::Register::from_bits(bits))
    }

    #[inline]
    fn into_bits(self) -> usize {
        self.0.into_bits()
    }
}

impl Register for NtStatus {}

impl sealed::Output for () {
    #[inline]
    fn from_bits(_: usize) {}
}

impl Output for () {}

/// One convention, with every number of arguments.
macro_rules! routines {
    ($convention:literal $call:ident) => {
        routines!($convention $call: A B C D E F G H I J,);
    };
    ($convention:literal $call:ident: , $($type:ident)*) => {
        routine!($convention $call: $($type)*);
    };
    ($convention:literal $call:ident: $next:ident $($rest:ident)*, $($type:ident)*) => {
        routine!($convention $call: $($type)*);
        routines!($convention $call: $($rest)*, $($type)* $next);
    };
}

macro_rules! routine {
    ($convention:literal $call:ident: $($type:ident)*) => {
        impl<$($type: Register,)* R: Output> sealed::Routine<($($type,)*)>
            for unsafe extern $convention fn($($type),*) -> R
        {
            type Output = R;

            #[allow(non_snake_case, reason = "an argument has the name of its type")]
            #[inline]
            unsafe fn call(self, ($($type,)*): ($($type,)*)) -> Result<R, Exception> {
                $call!(self, R, $($type)*)
            }
        }

        impl<$($type: Register,)* R: Output> Routine<($($type,)*)>
            for unsafe extern $convention fn($($type),*) -> R
        {
        }
    };
}

/// Calls under guard.
macro_rules! guarded {
    ($function:ident, $output:ty, $($argument:ident)*) => {{
        let arguments = [$(sealed::Register::into_bits($argument)),*];
        const { assert!(ARGUMENTS >= 10, "the tuples are longer than the arguments") };
        // SAFETY: the caller's promise is the same.
        unsafe { super::call_at($function as *const c_void, arguments) }
            .map(<$output as sealed::Output>::from_bits)
    }};
}

/// Calls directly: outside Windows nothing is guarded, and the convention is another one.
#[cfg(not(windows))]
macro_rules! direct {
    ($function:ident, $output:ty, $($argument:ident)*) => {
        // SAFETY: the caller's promise is the same.
        Ok(unsafe { $function($($argument),*) })
    };
}

routines!("efiapi" guarded);
#[cfg(windows)]
routines!("C" guarded);
#[cfg(windows)]
routines!("system" guarded);
#[cfg(not(windows))]
routines!("C" direct);
#[cfg(not(windows))]
routines!("system" direct);
