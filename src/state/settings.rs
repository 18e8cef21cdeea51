//! The values that the administrator set under the service's `Parameters` key.

use ringcopy_protocol::{ENGINE_VALUE, EngineKind, NATIVE_VALUE, NtStatus, POLICY_VALUE, Reach};
use wdk::println;

use crate::{nt::wdf::Driver, trace};

/// The settings, read once when the driver loads.
///
/// A missing value counts as zero: the least reach, and the engine of the driver's choice. An
/// unreadable or invalid value allows the least: no reach, and the system's engine alone.
pub struct Settings {
    pub policy: Reach,
    pub engine: EngineKind,
    /// The native engine may be used where a hypervisor may withhold memory.
    pub native_under_hypervisor: bool,
}

impl Settings {
    pub fn read(driver: &Driver) -> Result<Self, NtStatus> {
        // Without memory the setting is unknown. To load then might use an excluded engine.
        let value = |name| match driver.parameter(name) {
            Ok(value) => Ok(Some(value)),
            Err(NtStatus::OBJECT_NAME_NOT_FOUND) => Ok(Some(0)),
            Err(NtStatus::INSUFFICIENT_RESOURCES) => Err(NtStatus::INSUFFICIENT_RESOURCES),
            Err(status) => {
                println!("ringcopy: `{name}` is no REG_DWORD: {status}; the least is allowed");
                trace::setting_ignored(name, status);
                Ok(None)
            }
        };
        let policy = value(POLICY_VALUE)?.map(Reach::from_bits_truncate);
        let engine = value(ENGINE_VALUE)?.and_then(EngineKind::from_wire);
        let native = value(NATIVE_VALUE)?;
        Ok(Self {
            native_under_hypervisor: native.is_some_and(|value| value == 1),
            policy: policy.unwrap_or(Reach::empty()),
            engine: engine.unwrap_or(EngineKind::System),
        })
    }
}
