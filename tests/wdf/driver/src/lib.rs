//! A KMDF driver with Plug and Play for tests of the stand-in. Each callback prints its name after
//! `pnp: `. The value `Behaviour` under the service's `Parameters` key says which callbacks fail, and how
//! callbacks are synchronized.
//!
//! - [`entry`]: `DriverEntry`, and the device. [`power`]: the callbacks for Plug and Play and power.
//! - [`codes`]: what tests ask for. [`behaviour`]: what the registry asks for.
//! - [`requests`]: one device control code for each way in which a request can end; [`send`] has those
//!   that the driver sends on, and [`remote`] those to a target that [`opened`] opens, which are
//!   [`served`] by the driver itself. [`properties`]: those for what the device is. [`checks`]: one for each
//!   thing that the framework refuses or accepts.

#![no_std]

mod behaviour;
mod checks;
mod codes;
mod entry;
mod opened;
mod power;
mod properties;
mod remote;
mod requests;
mod send;
mod served;
mod text;

use core::{ffi::CStr, panic::PanicInfo};
use wdk_sys::{NTSTATUS, STATUS_SUCCESS, STATUS_UNSUCCESSFUL, ntddk};

/// Calls a function of the framework.
macro_rules! wdf {
    ($name:ident $(, $argument:expr)* $(,)?) => {
        // SAFETY: the arguments are what the function's documentation asks for: handles that the
        // framework gave, and locals that outlive the call.
        unsafe { wdk_sys::call_unsafe_wdf_function_binding!($name $(, $argument)*) }
    };
}
pub(crate) use wdf;

/// Returns a structure whose member `Size` has its size.
macro_rules! sized {
    ($type:ident { $($member:ident: $value:expr),* $(,)? }) => {{
        #[expect(clippy::cast_possible_truncation, reason = "a small structure")]
        const SIZE: u32 = size_of::<$type>() as u32;
        $type { Size: SIZE, $($member: $value,)* ..$type::default() }
    }};
}
pub(crate) use sized;

/// Callbacks that print their names, and nothing else.
macro_rules! notes {
    ($($function:ident($($argument:ty),+) = $name:literal;)+) => {$(
        unsafe extern "C" fn $function($(_: $argument),+) {
            $crate::note($name);
        }
    )+};
}
pub(crate) use notes;

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

/// Turns a status that is an error into one.
const fn check(status: NTSTATUS) -> Result<(), NTSTATUS> {
    if status < 0 { Err(status) } else { Ok(()) }
}

/// Undoes [`check`].
fn status_of(result: Result<(), NTSTATUS>) -> NTSTATUS {
    result.err().unwrap_or(STATUS_SUCCESS)
}

/// `STATUS_UNSUCCESSFUL` if something does not hold.
const fn succeed_if(holds: bool) -> Result<(), NTSTATUS> {
    if holds {
        Ok(())
    } else {
        Err(STATUS_UNSUCCESSFUL)
    }
}

/// Nonpaged pool that is not executable (`POOL_TYPE`).
const NONPAGED_POOL_NX: i32 = 512;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: callable at any level; it does not return.
    unsafe { ntddk::KeBugCheck(0xDEAD) }
}
