//! A KMDF driver with Plug and Play for tests of the stand-in. Each callback prints its name after
//! `pnp: `. The value `Behaviour` under the service's `Parameters` key says which callbacks fail, and how
//! callbacks are synchronized.
//!
//! - [`entry`]: `DriverEntry`, and the device. [`power`]: the callbacks for Plug and Play and power.
//! - [`requests`]: one device control code for each way in which a request can end. [`checks`]: one for
//!   each thing that the framework refuses or accepts. [`properties`]: those of the device.

#![no_std]

mod behaviour;
mod checks;
mod entry;
mod power;
mod properties;
mod requests;

use core::{ffi::CStr, panic::PanicInfo};
use wdk_sys::{NTSTATUS, STATUS_SUCCESS, STATUS_UNSUCCESSFUL, ntddk};

/// Calls a function of the framework.
macro_rules! wdf {
    ($name:ident $(, $argument:expr)*) => {
        // SAFETY: the arguments are what the function's documentation asks for: handles that the
        // framework gave, and locals that outlive the call.
        unsafe { wdk_sys::call_unsafe_wdf_function_binding!($name $(, $argument)*) }
    };
}
pub(crate) use wdf;

/// Prints the name of a callback.
fn note(name: &CStr) {
    // SAFETY: the format names one string.
    unsafe { ntddk::DbgPrint(c"pnp: %s\n".as_ptr(), name.as_ptr()) };
}

/// Prints the name of a callback, and returns an error if the bit is set in the driver's behaviour.
fn fail_if(bit: u32, name: &CStr) -> NTSTATUS {
    note(name);
    if behaviour::has(bit) {
        STATUS_UNSUCCESSFUL
    } else {
        STATUS_SUCCESS
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: callable at any level; it does not return.
    unsafe { ntddk::KeBugCheck(0xDEAD) }
}
