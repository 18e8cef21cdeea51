//! WDFLDR.SYS, a stand-in for KMDF 1.33: the framework's loader and the framework in one image.
//!
//! A KMDF driver imports `WdfVersionBind` from this image and gets a table of 458 functions. The
//! image implements the functions that a control-device driver and a simple function driver use, over
//! NT's own exports. Every other entry prints its name and fails, and the run ends with all their
//! names. The same image runs on the lab's kernel in ring 0 and in Wine's driver host.
//!
//! - `bind`: the exports. `table`: the function table. `call`: a driver's call of a function.
//!   `client`: a bound driver.
//! - `object`: handles, references, contexts, parents and children. Handles are looked up and never
//!   trusted. `report`: what a driver did wrong.
//! - `driver`, `device`, `file`, `queue`, `request`, `io_target`, `memory`, `lock`, `timer`, `dpc`, `work`,
//!   `collection`, `string`, `registry`, `resources`, `verifier`: the kinds of objects, each with its
//!   functions. `sync`: which callbacks run one at a time, and at which level.
//! - `dispatch`: incoming IRPs; those of Plug and Play are in `device::pnp`. `security`: SDDL for
//!   devices.
//! - `nt`: the calls into the kernel.
//! - `wine`: routines that Wine's kernel lacks.
//!
//! The code cites the page of the documentation that it follows, or the function with that page. Where
//! no page says what happens, it does what the framework's published sources do. It stops a driver
//! where the framework's verifier would. Statuses at the end of a function's docs are those of its
//! errors. It is a stand-in that only runs drivers in tests.

#![no_std]
#![allow(
    clippy::redundant_pub_crate,
    reason = "unreachable_pub asks for what it forbids"
)]

mod bind;
mod call;
mod callback;
mod client;
mod collection;
mod device;
mod dispatch;
mod dpc;
mod driver;
mod file;
mod io_target;
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
mod sync;
mod table;
mod timer;
mod verifier;
mod wine;
mod work;

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
