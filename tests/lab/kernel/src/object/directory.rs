//! The object manager's names: devices, and symbolic links to them.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::global::Global;
use crate::nt::strings::same_name;
use nt_status::NtStatus;

struct Names {
    /// Name to address.
    devices: BTreeMap<String, u64>,
    /// Link, without its directory, to target.
    links: BTreeMap<String, String>,
}

static NAMES: Global<Names> = Global::new(Names {
    devices: BTreeMap::new(),
    links: BTreeMap::new(),
});

/// Names of the directory in which user mode opens devices.
const LINK_DIRECTORIES: [&str; 4] = [
    r"\DosDevices\Global\",
    r"\DosDevices\",
    r"\GLOBAL??\",
    r"\??\",
];

fn find<'map, T>(map: &'map BTreeMap<String, T>, name: &str) -> Option<(&'map String, &'map T)> {
    map.iter().find(|(known, _)| same_name(known, name))
}

/// Returns the name of a link within its directory.
fn link_name(path: &str) -> Option<&str> {
    LINK_DIRECTORIES.iter().find_map(|directory| {
        let head = path.get(..directory.len())?;
        same_name(head, directory).then(|| &path[directory.len()..])
    })
}

pub(crate) fn add_device(name: &str, device: u64) -> Result<(), NtStatus> {
    if !name.starts_with('\\') || name.ends_with('\\') {
        return Err(NtStatus::OBJECT_PATH_SYNTAX_BAD);
    }
    NAMES.with(|names| {
        if find(&names.devices, name).is_some() {
            return Err(NtStatus::OBJECT_NAME_COLLISION);
        }
        names.devices.insert(String::from(name), device);
        Ok(())
    })
}

/// Returns the name of a device.
pub(crate) fn name_of(device: u64) -> Option<String> {
    NAMES.with(|names| {
        names
            .devices
            .iter()
            .find(|(_, known)| **known == device)
            .map(|(name, _)| name.clone())
    })
}

pub(crate) fn remove_device(device: u64) {
    NAMES.with(|names| names.devices.retain(|_, &mut known| known != device));
}

pub(crate) fn add_link(path: &str, target: &str) -> Result<(), NtStatus> {
    let name = link_name(path).ok_or(NtStatus::OBJECT_PATH_SYNTAX_BAD)?;
    NAMES.with(|names| {
        if find(&names.links, name).is_some() {
            return Err(NtStatus::OBJECT_NAME_COLLISION);
        }
        names.links.insert(String::from(name), String::from(target));
        Ok(())
    })
}

pub(crate) fn remove_link(path: &str) -> Result<(), NtStatus> {
    let name = link_name(path).ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)?;
    NAMES.with(|names| {
        let key = find(&names.links, name).map(|(key, _)| key.clone());
        key.and_then(|key| names.links.remove(&key))
            .map(|_| ())
            .ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)
    })
}

/// Returns the device of a path, and the part of the path after the device's name.
pub(crate) fn resolve(path: &str) -> Result<(u64, String), NtStatus> {
    NAMES.with(|names| {
        let path = match link_name(path) {
            None => String::from(path),
            Some(name) => {
                let (link, rest) = name.find('\\').map_or((name, ""), |at| name.split_at(at));
                let (_, target) =
                    find(&names.links, link).ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)?;
                format!("{target}{rest}")
            }
        };
        names
            .devices
            .iter()
            .find_map(|(name, &device)| {
                let rest = path.get(name.len()..)?;
                (same_name(&path[..name.len()], name)
                    && (rest.is_empty() || rest.starts_with('\\')))
                .then(|| (device, String::from(rest)))
            })
            .ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)
    })
}

/// Returns a line for each name.
pub(crate) fn left() -> Vec<String> {
    NAMES.with(|names| {
        let devices = names.devices.keys().map(|name| format!("device: {name}"));
        let links = names
            .links
            .iter()
            .map(|(name, target)| format!("symbolic link: {name} to {target}"));
        devices.chain(links).collect()
    })
}
