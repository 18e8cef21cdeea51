//! A driver that runs the matrix of accessors in ring 0.
//!
//! It has one device and three requests: run a family, or a race, in the arena at an address of the
//! caller, and return the result; and accesses with types of `wdk-sys`. The host that sends the request has arranged the pages.

#![no_std]
#![allow(
    clippy::redundant_pub_crate,
    reason = "unreachable_pub requires what it forbids"
)]

mod arena;
mod nt;
mod request;
// That of the accessors' test of the feature.
#[cfg(feature = "umaccess")]
#[path = "../../../../crates/usermode-accessors/tests/umaccess/library.rs"]
mod umaccess;
mod wdk_types;
// Those of the accessors' example.
#[path = "../../../../crates/usermode-accessors/examples/method_neither/src/wdm.rs"]
mod wdm;

use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    nt::stop(info)
}
