//! The values that the administrator set under the service's `Parameters` key.

use ringcopy_protocol::{NtStatus, Settings, Stored};
use wdk::println;

use crate::{nt::wdf::Driver, trace};

/// Reads the settings.
pub fn read(driver: &Driver) -> Result<Settings, NtStatus> {
    Settings::read(|name| match driver.parameter(name) {
        Ok(number) => Ok(Stored::Number(number)),
        Err(NtStatus::OBJECT_NAME_NOT_FOUND) => Ok(Stored::Missing),
        // Without memory the setting is unknown. To load then might use an excluded engine.
        Err(NtStatus::INSUFFICIENT_RESOURCES) => Err(NtStatus::INSUFFICIENT_RESOURCES),
        Err(status) => {
            println!("ringcopy: `{name}` is no REG_DWORD: {status}; the least is allowed");
            trace::setting_ignored(name, status);
            Ok(Stored::Unreadable)
        }
    })
}
