//! The driver object: load and unload.

use ringcopy_protocol::NtStatus;
use wdk::println;
use wdk_sys::{NTSTATUS, WDFDRIVER};

use crate::{
    device,
    nt::{
        user_limit, user_mode,
        wdf::{Driver, EntryArguments},
    },
    state::DeviceContext,
    trace,
};

/// Creates the driver object and the control device. If that fails, the framework deletes the driver
/// object and everything that belongs to it.
pub fn load(arguments: &EntryArguments) -> NTSTATUS {
    trace::start();
    let loaded = Driver::create(arguments, evt_driver_unload).and_then(|driver| start(&driver));
    match loaded {
        Ok(()) => trace::loaded(),
        Err(status) => {
            println!("ringcopy: not loaded: {status}");
            trace::not_loaded(status);
        }
    }
    loaded.err().unwrap_or(NtStatus::SUCCESS).as_raw()
}

fn start(driver: &Driver) -> Result<(), NtStatus> {
    user_limit::use_that_of_system()?;
    user_mode::allow_test_processes();
    let context = DeviceContext::start(driver)?;
    println!(
        "ringcopy: {} loaded; policy {:#x}, native engine {}",
        env!("CARGO_PKG_VERSION"),
        context.settings.policy.bits(),
        context.engines.native_status(),
    );
    trace::settings(
        context.settings.policy,
        context.settings.engine,
        context.settings.native_under_hypervisor,
        context.engines.native_status(),
    );
    device::create(driver, context)
}

extern "C" fn evt_driver_unload(_driver: WDFDRIVER) {
    println!("ringcopy: unloaded");
    trace::unloaded();
}
