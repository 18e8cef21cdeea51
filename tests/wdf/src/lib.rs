//! WDFLDR.SYS, a stand-in for KMDF 1.33: the framework's loader and the framework in one image.
//!
//! A KMDF driver imports `WdfVersionBind` from this image and gets a table of 458 functions. The
//! image implements the functions that a control-device driver uses, over NT's own exports. Every
//! other entry prints its name and stops the system. The same image runs on the lab's kernel in
//! ring 0 and in Wine's driver host.
//!
//! - `bind`: the exports. `table`: the function table. `call`: a driver's call of a function.
//!   `client`: a bound driver.
//! - `object`: handles, references, contexts, parents and children. Handles are looked up and never
//!   trusted. `report`: what a driver did wrong.
//! - `driver`, `device`, `file`, `queue`, `request`, `memory`, `lock`, `string`, `registry`,
//!   `verifier`: the kinds of objects, each with its functions.
//! - `dispatch`: incoming IRPs. `security`: SDDL for devices.
//! - `nt`: the calls into the kernel.
//! - `wine`: routines that Wine's kernel lacks.
//!
//! The code cites the page of the documentation that it follows, or the function with that page. It
//! stops a driver where the framework's verifier would. Statuses at the end of a function's docs are
//! those of its errors. It is a stand-in that only runs the driver in tests, and is independent of
//! the framework's sources on purpose.

#![no_std]
#![allow(
    clippy::redundant_pub_crate,
    reason = "unreachable_pub asks for what it forbids"
)]

mod bind;
mod call;
mod callback;
mod client;
mod device;
mod dispatch;
mod driver;
mod file;
mod lock;
mod memory;
mod nt;
mod object;
mod queue;
mod registry;
mod report;
mod request;
mod resources;
mod security;
mod status;
mod string;
mod table;
mod verifier;
mod wine;

use core::panic::PanicInfo;
use report::violation;
use wdk_sys::{NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, STATUS_SUCCESS};

/// Called by loaders that treat every image as a driver. It sets nothing up: drivers bind later.
///
/// # Safety
///
/// None is needed: the arguments are not used.
#[unsafe(export_name = "DriverEntry")]
pub const unsafe extern "C" fn driver_entry(
    _driver: PDRIVER_OBJECT,
    _registry_path: PUNICODE_STRING,
) -> NTSTATUS {
    STATUS_SUCCESS
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    violation!(Framework, "{info}")
}
