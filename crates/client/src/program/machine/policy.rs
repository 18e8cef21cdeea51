//! The settings, under the service's `Parameters` key.

use ringcopy_protocol::{Settings, Stored};

use super::{Failure, System, SystemError, service::installed};

/// Returns the settings that the driver reads when it is loaded.
///
/// # Errors
/// If the driver is not installed, or the registry cannot be read.
pub fn policy(system: &mut dyn System) -> Result<Settings, Failure> {
    installed(system)?;
    let settings = Settings::read(|name| {
        let number = system.parameter(name)?;
        Ok::<_, SystemError>(number.map_or(Stored::Missing, Stored::Number))
    });
    Ok(settings?)
}

/// Changes the settings.
///
/// # Errors
/// If the driver is not installed, or the registry cannot be written.
pub fn set_policy(system: &mut dyn System, settings: Settings) -> Result<(), Failure> {
    installed(system)?;
    Ok(settings.write(|name, number| system.set_parameter(name, number))?)
}
