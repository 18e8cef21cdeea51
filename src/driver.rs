//! The driver object: what happens at load and at unload.

use ringcopy_protocol::{ENGINE_VALUE, Engine, NtStatus, POLICY_VALUE, Reach};
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

/// What the administrator set under the service's `Parameters` key. A value that is missing, or
/// of another type, counts as zero: the least reach, and the engine of the driver's choice.
pub struct Settings {
    pub policy: Reach,
    pub engine: Engine,
}

impl Settings {
    fn read(driver: &Driver) -> Self {
        let value = |name| driver.parameter(name).unwrap_or(0);
        Self {
            policy: Reach::from_bits_truncate(value(POLICY_VALUE)),
            engine: Engine::from_wire(value(ENGINE_VALUE)).unwrap_or(Engine::System),
        }
    }
}

/// Creates the driver object and the control device. On failure nothing stays: the framework
/// deletes the driver object and all that hangs on it.
pub fn load(arguments: &EntryArguments) -> NTSTATUS {
    let loaded = Driver::create(arguments, evt_driver_unload).and_then(|driver| start(&driver));
    match loaded {
        Ok(()) => nt::status::to_nt(NtStatus::SUCCESS),
        Err(status) => {
            println!("ringcopy: not loaded: {status}");
            nt::status::to_nt(status)
        }
    }
}

fn start(driver: &Driver) -> Result<(), NtStatus> {
    let settings = Settings::read(driver);
    let device_page = ContiguousPages::allocate(nt::PAGE_SIZE, Caching::Uncached)?;
    let engines = Engines::start(settings.engine)?;
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
