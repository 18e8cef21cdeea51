//! WDFLDR.SYS, a stand-in for KMDF 1.31: the framework's loader and the framework in one image.
//!
//! A KMDF driver imports `WdfVersionBind` from here and gets a table of 458 functions. This image
//! implements those that a control-device driver uses, over NT's own exports; every other entry
//! says its name and stops the system. It knows nothing of who loads it: the lab's kernel in ring
//! 0, or Wine's driver host.
//!
//! - `bind`: the exports. `table`: the function table. `call`: what every function begins
//!   with. `client`: a bound driver.
//! - `object`: handles, references, contexts, parents and children. Handles are looked up, never
//!   trusted; `report` has what a driver did wrong.
//! - `driver`, `device`, `file`, `queue`, `request`, `memory`, `lock`, `string`,
//!   `registry`, `verifier`: the kinds of objects, each with its functions.
//! - `dispatch`: IRPs as they come in. `security`: SDDL on devices.
//! - `nt`: the calls into the kernel.
//! - `wine`: what Wine's kernel lacks, where that is who loads this image.
//!
//! Where a page of the documentation gives a rule, the code names the page or the function whose
//! page it is, and follows it; where the framework's verifier would stop a driver, so does this.

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
mod security;
mod status;
mod string;
mod table;
mod verifier;
mod wine;

use core::panic::PanicInfo;
use report::violation;
use wdk_sys::{NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, STATUS_SUCCESS};

/// Called by loaders that treat every image as a driver. There is nothing to set up: drivers bind.
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
    violation!(Framework, [0, 0], "{info}")
}
