//! The state that all handles share, from load to unload.

use ringcopy_protocol::{NtStatus, Settings};

use super::settings;
use crate::{
    engine::Engines,
    nt::{
        PAGE_SIZE,
        context::{Context, ContextType},
        contiguous::{Caching, ContiguousPages},
        wdf::Driver,
    },
};

/// The context of the device.
pub struct DeviceContext {
    pub settings: Settings,
    pub engines: Engines,
    /// The uncached page that stands for device memory.
    pub device_page: ContiguousPages,
}

impl Context for DeviceContext {
    fn context_type() -> &'static ContextType<Self> {
        static TYPE: ContextType<DeviceContext> = ContextType::new(c"RingCopyDevice", &TYPE);
        &TYPE
    }
}

impl DeviceContext {
    /// Reads the settings, allocates the page, and starts the engines.
    pub fn start(driver: &Driver) -> Result<Self, NtStatus> {
        let settings = settings::read(driver)?;
        let device_page = ContiguousPages::allocate(PAGE_SIZE, Caching::Uncached)?;
        let engines = Engines::start(
            settings.engine,
            settings.native_under_hypervisor,
            device_page.frames(),
        )?;
        Ok(Self {
            settings,
            engines,
            device_page,
        })
    }
}
