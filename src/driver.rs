//! The driver object: what happens at load and at unload.

use ringcopy_protocol::{ENGINE_VALUE, EngineKind, NtStatus, POLICY_VALUE, Reach};
use wdk::println;
use wdk_sys::{NTSTATUS, WDFDRIVER};

use crate::{
    device::{self, DeviceContext},
    engine::Engines,
    nt::{
        self,
        contiguous::{Caching, ContiguousPages},
        wdf::{Driver, EntryArguments},
    },
};

/// What the administrator set under the service's `Parameters` key.
///
/// A value that is missing counts as zero: the least reach, and the engine of the driver's choice.
/// One that cannot be made out allows the least: no reach, and the system's engine alone.
pub struct Settings {
    pub policy: Reach,
    pub engine: EngineKind,
}

impl Settings {
    fn read(driver: &Driver) -> Result<Self, NtStatus> {
        // Memory that has run out says nothing of what was set: the driver would have loaded with
        // an engine that was ruled out.
        let value = |name| match driver.parameter(name) {
            Ok(value) => Ok(Some(value)),
            Err(NtStatus::OBJECT_NAME_NOT_FOUND) => Ok(Some(0)),
            Err(NtStatus::INSUFFICIENT_RESOURCES) => Err(NtStatus::INSUFFICIENT_RESOURCES),
            Err(status) => {
                println!("ringcopy: `{name}` is no REG_DWORD: {status}; the least is allowed");
                Ok(None)
            }
        };
        let policy = value(POLICY_VALUE)?.map(Reach::from_bits_truncate);
        let engine = value(ENGINE_VALUE)?.and_then(EngineKind::from_wire);
        Ok(Self {
            policy: policy.unwrap_or(Reach::empty()),
            engine: engine.unwrap_or(EngineKind::System),
        })
    }
}

/// Creates the driver object and the control device. On failure nothing stays: the framework
/// deletes the driver object and all that hangs on it.
pub fn load(arguments: &EntryArguments) -> NTSTATUS {
    let loaded = Driver::create(arguments, evt_driver_unload).and_then(|driver| start(&driver));
    match loaded {
        Ok(()) => NtStatus::SUCCESS.as_raw(),
        Err(status) => {
            println!("ringcopy: not loaded: {status}");
            status.as_raw()
        }
    }
}

fn start(driver: &Driver) -> Result<(), NtStatus> {
    let settings = Settings::read(driver)?;
    let device_page = ContiguousPages::allocate(nt::PAGE_SIZE, Caching::Uncached)?;
    let engines = Engines::start(settings.engine, device_page.frames())?;
    println!(
        "ringcopy: {} loaded; policy {:#x}, native engine {}",
        env!("CARGO_PKG_VERSION"),
        settings.policy.bits(),
        engines.native_status(),
    );
    device::create(
        driver,
        DeviceContext {
            settings,
            engines,
            device_page,
        },
    )
}

extern "C" fn evt_driver_unload(_driver: WDFDRIVER) {
    println!("ringcopy: unloaded");
}
