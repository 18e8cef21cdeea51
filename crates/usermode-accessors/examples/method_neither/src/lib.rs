//! A driver with one `METHOD_NEITHER` request: the checksum of a buffer of the caller's.
//!
//! - [`handler`] has the request, and no `unsafe`. This is the part to read.
//! - [`wdm`] has the entry points, and turns an IRP into the handler's arguments.

#![no_std]
#![deny(unsafe_code)]

mod handler;
#[expect(
    unsafe_code,
    reason = "the I/O manager calls it, and it reads the manager's structures"
)]
mod wdm;

use core::panic::PanicInfo;

/// A driver uses `wdk-panic`, or stops the system.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    wdm::stop()
}
