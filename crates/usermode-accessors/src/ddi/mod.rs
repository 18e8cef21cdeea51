//!
//! # Results
//!
//! [`LIST`](crate::ddi::LIST) holds these tables as data. Where the DDI raises a structured exception, the
//! function returns `Err` with a [`Fault`]. Where the DDI returns its destination, so does the function.
//! The crate's page says [what is checked, and which status a failed check
//! has](crate#what-is-checked-in-what-order-with-what-status).
//!
//! # Types
//!
//! Bytes are `*mut u8` and `*const u8`, lengths are `usize`, and [`Mode`] stands for
//! `KPROCESSOR_MODE`. A scalar is the Rust integer of its width and sign: `BOOLEAN` is a `u8`, because
//! a caller may write any byte; `NTSTATUS` and `LONG` are an `i32`; `SIZE_T` is a `usize`; `HANDLE` and
//! `PVOID` are a `*mut c_void`, as in `wdk-sys`. `LARGE_INTEGER` is an `i64` and `ULARGE_INTEGER` a
//! `u64`. `UNICODE_STRING` is the [`UnicodeString`] of this crate.
//!
//! All functions that access memory are `unsafe`, also those that access only user memory. So a reader
//! need not know the mode of a call. The types of the crate's root are the safe layer.

/// Defines functions for user memory. Each is a function with a mode, called with `Mode::User`.
macro_rules! user_forms {
    ($(
        $ddi:literal, safety: $safety:literal
        pub unsafe fn $name:ident $(<$generic:ident: $bound:ident>)? (
            $($argument:ident: $type:ty),+ $(,)?
        ) -> $output:ty => $mode_form:ident($($value:expr),+);
    )+) => {$(
        #[doc = concat!("`", $ddi, "`: [`", stringify!($mode_form), "`] with [`Mode::User`].")]
        ///
        /// # Errors
        ///
        #[doc = concat!("As for [`", stringify!($mode_form), "`].")]
        ///
        /// # Safety
        ///
        #[doc = $safety]
        #[inline]
        pub unsafe fn $name $(<$generic: $bound>)? ($($argument: $type),+) -> Result<$output, Fault> {
            // SAFETY: the caller's promise is the same; user memory is checked and guarded.
            unsafe { $mode_form($($value),+) }
        }
    )+};
}

mod copy;
mod copy_within_user;
mod device;
mod exception_filter;
mod fill;
mod interlocked;
mod list;
mod scalar;
mod string;
mod structure;
mod unicode_string;
mod volatile;

pub use exception_filter::{EXCEPTION_CONTINUE_SEARCH, EXCEPTION_EXECUTE_HANDLER};
pub use list::{Availability, Family, LIST, Row, offered::*};

/// The functions of the modules. The list names them.
mod functions {
    pub use super::{
        copy::*, copy_within_user::*, device::*, exception_filter::*, fill::*, interlocked::*,
        scalar::*, string::*, structure::*, unicode_string::*, volatile::*,
    };
}
