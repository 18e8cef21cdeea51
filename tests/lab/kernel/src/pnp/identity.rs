//! What the manager learns of the device from its bus driver, and tells drivers as the device's properties.
//!
//! Source: "`IRP_MN_QUERY_ID`", "Device Identification Strings", "`IoGetDeviceProperty`".

use alloc::{format, string::String, vec::Vec};

use super::bus::id_type;
use super::requests::query_id;
use crate::global::Global;
use crate::nt::layout::DeviceObject;
use crate::nt::strings::terminated;
use crate::object::directory;
use nt_status::NtStatus;

/// Members of `DEVICE_REGISTRY_PROPERTY` (wdm.h).
mod property {
    pub(super) const HARDWARE_ID: u32 = 1;
    pub(super) const PHYSICAL_DEVICE_OBJECT_NAME: u32 = 11;
    pub(super) const ENUMERATOR_NAME: u32 = 15;
    /// The last one that the page of `IoGetDeviceProperty` lists.
    pub(super) const REMOVAL_POLICY: u32 = 19;
}

/// The identifiers of the device.
struct Identity {
    device: String,
    instance: String,
    hardware: Vec<String>,
}

static IDENTITY: Global<Identity> = Global::new(Identity {
    device: String::new(),
    instance: String::new(),
    hardware: Vec::new(),
});

/// Asks the bus driver for the identifiers of a device.
///
/// The status of the bus driver.
pub(super) fn learn(physical: DeviceObject) -> Result<(), NtStatus> {
    let one = |kind| query_id(physical, kind, |strings| strings.next().unwrap_or_default());
    let identity = Identity {
        device: one(id_type::DEVICE)?,
        instance: one(id_type::INSTANCE)?,
        hardware: query_id(physical, id_type::HARDWARE, |strings| {
            strings.take_while(|text| !text.is_empty()).collect()
        })?,
    };
    IDENTITY.with(|known| *known = identity);
    Ok(())
}

/// Returns the device's instance, such as `ROOT\ECHO\0000`.
pub(super) fn instance() -> String {
    IDENTITY.with(|known| format!(r"{}\{}", known.device, known.instance))
}

/// Returns the bytes of a property of a device (`DEVICE_REGISTRY_PROPERTY`).
///
/// `STATUS_INVALID_PARAMETER_2` for a number that is no property; `STATUS_OBJECT_NAME_NOT_FOUND` for a
/// property that the device does not have, as the page of `IoGetDevicePropertyData` says.
pub(crate) fn property(physical: DeviceObject, number: u32) -> Result<Vec<u8>, NtStatus> {
    let text = match number {
        property::HARDWARE_ID => IDENTITY.with(|known| known.hardware.join("\0")) + "\0",
        property::ENUMERATOR_NAME => IDENTITY.with(|known| {
            let (enumerator, _) = known.device.split_once('\\').unwrap_or_default();
            String::from(enumerator)
        }),
        property::PHYSICAL_DEVICE_OBJECT_NAME => {
            directory::name_of(physical.0).ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)?
        }
        0..=property::REMOVAL_POLICY => return Err(NtStatus::OBJECT_NAME_NOT_FOUND),
        _ => return Err(NtStatus::INVALID_PARAMETER_2),
    };
    Ok(terminated(&text))
}
