//! A driver with one `METHOD_NEITHER` request: the checksum of a buffer of the caller's.
//!
//! - [`handler`] has the request, and no `unsafe`. This is the part to read.
//! - [`request`] turns an IRP into the handler's arguments.
//! - [`wdm`] has the entry points.

#![no_std]
#![deny(unsafe_code)]

mod handler;
#[expect(
    unsafe_code,
    reason = "it believes the mode that the I/O manager recorded"
)]
mod request;
#[expect(
    unsafe_code,
    reason = "the I/O manager calls it, and it reads the manager's structures"
)]
mod wdm;

use core::panic::PanicInfo;
use wdk_sys::ntddk;

/// Stops the system with the bug check `MANUALLY_INITIATED_CRASH`. A driver that is used has `wdk-panic`.
#[expect(unsafe_code, reason = "the system stops")]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: does not return, and takes any number.
    unsafe { ntddk::KeBugCheck(0xE2) }
}
