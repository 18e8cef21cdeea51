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

pub use copy::{
    copy_from_mode, copy_from_mode_aligned, copy_from_mode_nontemporal, copy_from_user,
    copy_from_user_aligned, copy_from_user_nontemporal, copy_to_mode, copy_to_mode_nontemporal,
    copy_to_user, copy_to_user_nontemporal,
};
pub use copy_within_user::{
    copy_from_user_to_mode, copy_to_user_from_user, move_to_user_from_user,
};
pub use device::{
    compare_device_memory, copy_device_memory, equal_device_memory, fill_device_memory,
    zero_device_memory,
};
pub use exception_filter::{
    EXCEPTION_CONTINUE_SEARCH, EXCEPTION_EXECUTE_HANDLER, uma_exception_filter,
};
pub use fill::{
    fill_mode_memory, fill_user_memory, set_mode_memory, set_user_memory, zero_mode_memory,
    zero_user_memory,
};
pub use interlocked::{
    interlocked_and_to_mode, interlocked_and_to_user, interlocked_and64_to_mode,
    interlocked_and64_to_user, interlocked_compare_exchange_to_mode,
    interlocked_compare_exchange_to_user, interlocked_compare_exchange64_to_mode,
    interlocked_compare_exchange64_to_user, interlocked_or_to_mode, interlocked_or_to_user,
    interlocked_or64_to_mode, interlocked_or64_to_user,
};
pub use list::{Availability, Family, LIST, Row};
pub use scalar::*;
pub use string::{
    string_length_from_mode, string_length_from_user, wide_string_length_from_mode,
    wide_string_length_from_user,
};
pub use structure::{
    read_struct_from_mode, read_struct_from_mode_aligned, read_struct_from_mode_helper,
    read_struct_from_user, read_struct_from_user_aligned, read_struct_from_user_helper,
    write_struct_to_mode, write_struct_to_mode_aligned, write_struct_to_mode_helper,
    write_struct_to_user, write_struct_to_user_aligned, write_struct_to_user_helper,
};
pub use unicode_string::{
    read_unicode_string_from_mode, read_unicode_string_from_user, write_unicode_string_to_mode,
    write_unicode_string_to_user,
};
pub use volatile::{
    copy_volatile_memory, fill_volatile_memory, move_volatile_memory, secure_zero_memory2,
    set_volatile_memory, zero_volatile_memory,
};
