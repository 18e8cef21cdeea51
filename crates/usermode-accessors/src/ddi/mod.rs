//! Microsoft's functions, by their names in snake case, with their arguments in their order.
//!
//! [`LIST`] shows them, DDI by DDI. Where the DDI raises a structured exception, the function
//! returns `Err` with a [`Fault`](crate::Fault). Where the DDI returns its destination, so does the
//! function. What is checked when, and with what status it fails, is said
//! [once for all](crate#what-is-checked-in-what-order-with-what-status).
//!
//! # Choices of types
//!
//! Bytes are `*mut u8` and `*const u8`, lengths `usize`, and [`Mode`](crate::Mode) stands for
//! `KPROCESSOR_MODE`. A scalar is the plain Rust type of its width and sign: `BOOLEAN` a `u8`,
//! since a caller may write any byte, `NTSTATUS` and `LONG` an `i32`, `SIZE_T` a `usize`, `HANDLE`
//! and `PVOID` a `*mut c_void`, as in `wdk-sys`. `LARGE_INTEGER` is an `i64` and `ULARGE_INTEGER` a
//! `u64`; `UNICODE_STRING` is a [`UnicodeString`](crate::UnicodeString) of this crate.
//!
//! All that access memory are `unsafe fn`, though with user addresses alone nothing can go wrong in a
//! kernel: a reader should not have to look at the mode to know. The types of the crate's root are
//! the safe layer.

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

/// What the modules define, for the list to choose from.
mod functions {
    pub use super::{
        copy::*, copy_within_user::*, device::*, exception_filter::*, fill::*, interlocked::*,
        scalar::*, string::*, structure::*, unicode_string::*, volatile::*,
    };
}
