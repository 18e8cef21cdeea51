//! Device objects.

use alloc::collections::BTreeMap;

use super::security::AccessList;
use super::{Kind, create, dereference, directory};
use crate::bugcheck::{rule_broken, violation};
use crate::global::Global;
use crate::nt::layout::{DeviceObject, DriverObject, Structure};
use crate::pool::{self, Content, Owner};
use nt_status::NtStatus;

/// `DO_*` flags.
pub(crate) mod device_flags {
    pub(crate) const BUFFERED_IO: u32 = 0x04;
    pub(crate) const EXCLUSIVE: u32 = 0x08;
    pub(crate) const DIRECT_IO: u32 = 0x10;
    pub(crate) const HAS_NAME: u32 = 0x40;
    pub(crate) const INITIALIZING: u32 = 0x80;
}

/// `FILE_DEVICE_SECURE_OPEN`.
pub(crate) const SECURE_OPEN: u32 = 0x100;

/// `IO_TYPE_DEVICE`.
const TYPE: u16 = 3;
/// Bytes of `DEVOBJ_EXTENSION` that drivers may look at.
const OBJECT_EXTENSION: u64 = 0x70;
const TAG: u32 = u32::from_le_bytes(*b"Devi");

/// The state of a device that is not in its object.
#[derive(Default)]
struct Device {
    list: Option<AccessList>,
    /// The device below in its stack; 0: none.
    below: u64,
    deleted: bool,
}

static DEVICES: Global<BTreeMap<u64, Device>> = Global::new(BTreeMap::new());

/// The attributes of a new device.
pub(crate) struct Attributes<'name> {
    pub(crate) extension_size: u32,
    pub(crate) name: Option<&'name str>,
    pub(crate) kind: u32,
    pub(crate) characteristics: u32,
    pub(crate) exclusive: bool,
}

/// Makes a device object, followed by its extension, and puts it first in its driver's list.
pub(crate) fn make(
    driver: DriverObject,
    attributes: &Attributes<'_>,
) -> Result<DeviceObject, NtStatus> {
    let extension = u64::from(attributes.extension_size).next_multiple_of(16);
    let size = DeviceObject::SIZE + extension + OBJECT_EXTENSION;
    let address = pool::allocate(size, TAG, Content::Zeroed, Owner::Driver)
        .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
    let device = DeviceObject(address);
    let mut flags = device_flags::INITIALIZING;
    if let Some(name) = attributes.name {
        if let Err(status) = directory::add_device(name, address) {
            pool::free(address, None);
            return Err(status);
        }
        flags |= device_flags::HAS_NAME;
    }
    if attributes.exclusive {
        flags |= device_flags::EXCLUSIVE;
    }
    device.set(DeviceObject::TYPE, TYPE);
    device.set(
        DeviceObject::LENGTH,
        (DeviceObject::SIZE + u64::from(attributes.extension_size)) as u16,
    );
    device.set(DeviceObject::DRIVER_OBJECT, driver.0);
    device.set(
        DeviceObject::NEXT_DEVICE,
        driver.get(DriverObject::DEVICE_OBJECT),
    );
    device.set(DeviceObject::FLAGS, flags);
    device.set(DeviceObject::CHARACTERISTICS, attributes.characteristics);
    if attributes.extension_size > 0 {
        device.set(DeviceObject::DEVICE_EXTENSION, address + DeviceObject::SIZE);
    }
    device.set(DeviceObject::DEVICE_TYPE, attributes.kind);
    device.set(DeviceObject::STACK_SIZE, 1);
    device.set(
        DeviceObject::DEVICE_OBJECT_EXTENSION,
        address + DeviceObject::SIZE + extension,
    );
    driver.set(DriverObject::DEVICE_OBJECT, address);
    create(address, Kind::Device);
    DEVICES.with(|devices| devices.insert(address, Device::default()));
    Ok(device)
}

/// Deletes a device. Its name is deleted at once, its memory is freed with the last reference.
pub(crate) fn delete(device: DeviceObject) {
    let known = DEVICES.with(|devices| {
        devices
            .get_mut(&device.0)
            .map(|state| core::mem::replace(&mut state.deleted, true))
    });
    match known {
        None => violation!(
            "IoDeleteDevice was given {:#x}, which is no device",
            device.0
        ),
        Some(true) => rule_broken!(
            DeviceDeletedTwice,
            "the device at {:#x} was deleted twice",
            device.0
        ),
        Some(false) => {}
    }
    if let Some(below) = below(device) {
        violation!(
            "the device at {:#x} was deleted while it is attached to {:#x}",
            device.0,
            below.0
        );
    }
    directory::remove_device(device.0);
    let driver = DriverObject(device.get(DeviceObject::DRIVER_OBJECT));
    let next = device.get(DeviceObject::NEXT_DEVICE);
    let first = driver.get(DriverObject::DEVICE_OBJECT);
    if first == device.0 {
        driver.set(DriverObject::DEVICE_OBJECT, next);
    } else {
        let mut at = DeviceObject(first);
        while at.0 != 0 {
            if at.get(DeviceObject::NEXT_DEVICE) == device.0 {
                at.set(DeviceObject::NEXT_DEVICE, next);
                break;
            }
            at = DeviceObject(at.get(DeviceObject::NEXT_DEVICE));
        }
    }
    dereference(device.0);
}

/// Returns the top of a device's stack: `IoGetAttachedDevice`.
pub(crate) fn top(device: DeviceObject) -> DeviceObject {
    let mut device = device;
    loop {
        match device.get(DeviceObject::ATTACHED_DEVICE) {
            0 => return device,
            above => device = DeviceObject(above),
        }
    }
}

/// Attaches a device to the top of another's stack and returns what was the top; `None` if that is
/// being deleted.
pub(crate) fn attach(device: DeviceObject, stack: DeviceObject) -> Option<DeviceObject> {
    let below = top(stack);
    let attached = DEVICES.with(|devices| {
        if devices.get(&below.0)?.deleted {
            return None;
        }
        devices.get_mut(&device.0)?.below = below.0;
        Some(())
    });
    attached?;
    below.set(DeviceObject::ATTACHED_DEVICE, device.0);
    device.set(
        DeviceObject::STACK_SIZE,
        below.get(DeviceObject::STACK_SIZE) + 1,
    );
    Some(below)
}

/// Detaches what is attached to a device.
pub(crate) fn detach(below: DeviceObject) {
    let above = below.get(DeviceObject::ATTACHED_DEVICE);
    let known = DEVICES.with(|devices| {
        devices
            .get_mut(&above)
            .map(|state| core::mem::take(&mut state.below))
    });
    if known != Some(below.0) {
        violation!(
            "IoDetachDevice was given {:#x}, to which nothing is attached",
            below.0
        );
    }
    below.set(DeviceObject::ATTACHED_DEVICE, 0);
}

/// Returns the device below in a device's stack.
fn below(device: DeviceObject) -> Option<DeviceObject> {
    DEVICES
        .with(|devices| devices.get(&device.0).map(|state| state.below))
        .filter(|&below| below != 0)
        .map(DeviceObject)
}

/// Frees a device after its last reference.
pub(super) fn free(address: u64) {
    DEVICES.with(|devices| devices.remove(&address));
    pool::free(address, Some(TAG));
}

/// Replaces the access control list of a device.
pub(crate) fn set_list(device: u64, list: Option<AccessList>) -> Result<(), NtStatus> {
    DEVICES.with(|devices| {
        let state = devices
            .get_mut(&device)
            .ok_or(NtStatus::OBJECT_TYPE_MISMATCH)?;
        state.list = list;
        Ok(())
    })
}

/// Returns the access control list of a device.
pub(crate) fn list(device: u64) -> Option<AccessList> {
    DEVICES.with(|devices| devices.get(&device).and_then(|state| state.list.clone()))
}

/// Returns the number of live device objects.
pub(crate) fn count() -> u64 {
    DEVICES.with(|devices| devices.len() as u64)
}

/// Allows opening the devices in a driver's list, as the I/O manager does when the driver's entry
/// point has returned ("`DO_DEVICE_INITIALIZING`", Windows driver documentation).
pub(crate) fn finish_initializing(driver: DriverObject) {
    let mut device = DeviceObject(driver.get(DriverObject::DEVICE_OBJECT));
    while device.0 != 0 {
        let flags = device.get(DeviceObject::FLAGS);
        device.set(DeviceObject::FLAGS, flags & !device_flags::INITIALIZING);
        device = DeviceObject(device.get(DeviceObject::NEXT_DEVICE));
    }
}
