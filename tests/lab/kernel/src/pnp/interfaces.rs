//! Device interfaces: a symbolic link to a device for each class that the device offers.
//!
//! Source: "Device Interface Classes" and "Registering a Device Interface", Windows driver
//! documentation.

use alloc::{format, string::String, vec::Vec};

use super::identity::instance;
use crate::global::Global;
use crate::nt::layout::DeviceObject;
use crate::object::directory;
use crate::raw;
use nt_status::NtStatus;

/// A registered interface.
struct Interface {
    /// Of its class, as text in braces.
    class: String,
    /// The symbolic link.
    link: String,
    physical: DeviceObject,
    enabled: bool,
}

static INTERFACES: Global<Vec<Interface>> = Global::new(Vec::new());

/// Reads a `GUID` and returns its text, in braces.
pub(crate) fn class_at(guid: u64) -> String {
    let (one, two, three) = (
        raw::read::<u32>(guid),
        raw::read::<u16>(guid + 4),
        raw::read::<u16>(guid + 6),
    );
    let rest = u64::from_be_bytes(raw::read(guid + 8));
    format!(
        "{{{one:08x}-{two:04x}-{three:04x}-{:04x}-{:012x}}}",
        rest >> 48,
        rest & 0xFFFF_FFFF_FFFF
    )
}

/// Registers an interface of a device and returns its symbolic link. Registering it again returns the
/// same link.
pub(crate) fn register(physical: DeviceObject, class: String, reference: &str) -> String {
    let instance = instance().replace('\\', "#");
    let mut link = format!(r"\??\{instance}#{class}");
    if !reference.is_empty() {
        link.push('\\');
        link.push_str(reference);
    }
    INTERFACES.with(|interfaces| {
        if interfaces.iter().all(|known| known.link != link) {
            interfaces.push(Interface {
                class,
                link: link.clone(),
                physical,
                enabled: false,
            });
        }
    });
    link
}

/// Enables or disables an interface by its link.
///
/// `STATUS_OBJECT_NAME_NOT_FOUND` for one that is not registered, or is not enabled and is to be
/// disabled; `STATUS_OBJECT_NAME_EXISTS` for one that is enabled already.
pub(crate) fn set_enabled(link: &str, enable: bool) -> Result<(), NtStatus> {
    let physical = INTERFACES.with(|interfaces| {
        let interface = interfaces
            .iter_mut()
            .find(|known| known.link.eq_ignore_ascii_case(link))
            .ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)?;
        match (interface.enabled, enable) {
            (true, true) => return Err(NtStatus::OBJECT_NAME_EXISTS),
            (false, false) => return Err(NtStatus::OBJECT_NAME_NOT_FOUND),
            _ => interface.enabled = enable,
        }
        Ok(interface.physical)
    })?;
    if !enable {
        return directory::remove_link(link);
    }
    let target = directory::name_of(physical.0).ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)?;
    directory::add_link(link, &target)
}

/// Returns the link of an enabled interface of a class.
pub(crate) fn enabled_of(class: &str) -> Option<String> {
    INTERFACES.with(|interfaces| {
        interfaces
            .iter()
            .find(|known| known.enabled && known.class.eq_ignore_ascii_case(class))
            .map(|known| known.link.clone())
    })
}

/// Forgets the interfaces of a device that is gone. Links that its driver left enabled stay, and are
/// reported.
pub(super) fn forget(physical: DeviceObject) {
    INTERFACES.with(|interfaces| interfaces.retain(|known| known.physical != physical));
}
