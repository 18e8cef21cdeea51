//! Functions for device stacks, device interfaces, power and shutdown.

use crate::bugcheck::violation;
use crate::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL, require_at_most};
use crate::nt::layout::{DeviceObject, FileObject};
use crate::nt::strings;
use crate::object::{self, Kind, device, shutdown};
use crate::pnp::{identity, interfaces, is_physical, notifications};
use crate::pool::{self, Content};
use crate::raw;
use nt_status::NtStatus;

/// Returns the device object at an address, or ends the run.
fn device_at(address: u64, function: &str) -> DeviceObject {
    if object::kind_of(address) != Some(Kind::Device) {
        violation!("{function} was given {address:#x}, which is no device");
    }
    DeviceObject(address)
}

/// As [`device_at`], for a physical device.
///
/// `STATUS_INVALID_DEVICE_REQUEST` for another device.
fn physical_at(address: u64, function: &str) -> Result<DeviceObject, NtStatus> {
    let device = device_at(address, function);
    is_physical(device)
        .then_some(device)
        .ok_or(NtStatus::INVALID_DEVICE_REQUEST)
}

/// `IoAttachDeviceToDeviceStack` function (wdm.h): the device that was the top; null if it is being
/// deleted. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoAttachDeviceToDeviceStack(source: u64, target: u64) -> u64 {
    require_at_most(DISPATCH_LEVEL, "IoAttachDeviceToDeviceStack");
    let source = device_at(source, "IoAttachDeviceToDeviceStack");
    let target = device_at(target, "IoAttachDeviceToDeviceStack");
    device::attach(source, target).map_or(0, |below| below.0)
}

/// `IoDetachDevice` function (wdm.h): takes the lower device. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoDetachDevice(target: u64) {
    require_at_most(DISPATCH_LEVEL, "IoDetachDevice");
    device::detach(device_at(target, "IoDetachDevice"));
}

/// `IoGetAttachedDevice` function (ntifs.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoGetAttachedDevice(device: u64) -> u64 {
    require_at_most(DISPATCH_LEVEL, "IoGetAttachedDevice");
    device::top(device_at(device, "IoGetAttachedDevice")).0
}

/// `IoGetAttachedDeviceReference` function (wdm.h): the caller releases the reference. IRQL <=
/// `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoGetAttachedDeviceReference(device: u64) -> u64 {
    require_at_most(DISPATCH_LEVEL, "IoGetAttachedDeviceReference");
    let top = device::top(device_at(device, "IoGetAttachedDeviceReference"));
    object::reference_by_driver(top.0);
    top.0
}

/// The tag of the name that `IoRegisterDeviceInterface` returns.
const TAG: u32 = u32::from_le_bytes(*b"IoIf");

/// `IoRegisterDeviceInterface` function (wdm.h): the caller frees the name with
/// `RtlFreeUnicodeString`. `STATUS_INVALID_DEVICE_REQUEST` for a device that is not a physical
/// device; `STATUS_INSUFFICIENT_RESOURCES`. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoRegisterDeviceInterface(
    physical: u64,
    class: u64,
    reference: u64,
    link: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoRegisterDeviceInterface");
    let physical = match physical_at(physical, "IoRegisterDeviceInterface") {
        Ok(physical) => physical,
        Err(status) => return status,
    };
    let class = interfaces::class_at(class);
    let name = interfaces::register(physical, class, &strings::read(reference));
    let size = strings::placed_length(&name);
    let Some(buffer) = pool::allocate_of(pool::Kind::Paged, size, TAG, Content::Zeroed) else {
        return NtStatus::INSUFFICIENT_RESOURCES;
    };
    strings::place(link, buffer, &name);
    NtStatus::SUCCESS
}

/// `IoSetDeviceInterfaceState` function (wdm.h): makes or deletes the symbolic link. IRQL =
/// `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoSetDeviceInterfaceState(link: u64, enable: u8) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoSetDeviceInterfaceState");
    let changed = interfaces::set_enabled(&strings::read(link), enable != 0);
    changed.err().unwrap_or(NtStatus::SUCCESS)
}

/// `IoGetDeviceProperty` function (wdm.h). `STATUS_BUFFER_TOO_SMALL` with the length that is needed;
/// as [`physical_at`] and [`identity::property`]. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoGetDeviceProperty(
    physical: u64,
    property: u32,
    length: u32,
    buffer: u64,
    result_length: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoGetDeviceProperty");
    let physical = physical_at(physical, "IoGetDeviceProperty");
    let value = match physical.and_then(|physical| identity::property(physical, property)) {
        Ok(value) => value,
        Err(status) => return status,
    };
    raw::write(result_length, value.len() as u32);
    if value.len() > length as usize {
        return NtStatus::BUFFER_TOO_SMALL;
    }
    raw::copy_in(&value, buffer);
    NtStatus::SUCCESS
}

/// `PoCallDriver` function (wdm.h): since Windows Vista, `IoCallDriver`. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn PoCallDriver(device: u64, request: u64) -> NtStatus {
    super::io::IofCallDriver(device, request)
}

/// `PoStartNextPowerIrp` function (wdm.h): since Windows Vista, it does nothing. IRQL <=
/// `DISPATCH_LEVEL`.
pub(super) extern "win64" fn PoStartNextPowerIrp(_request: u64) {
    require_at_most(DISPATCH_LEVEL, "PoStartNextPowerIrp");
}

/// `IoRegisterShutdownNotification` function (wdm.h), and `IoRegisterLastChanceShutdownNotification`. IRQL =
/// `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoRegisterShutdownNotification(device: u64) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoRegisterShutdownNotification");
    shutdown::register(device_at(device, "IoRegisterShutdownNotification").0);
    NtStatus::SUCCESS
}

/// `IoUnregisterShutdownNotification` function (wdm.h): of both kinds. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoUnregisterShutdownNotification(device: u64) {
    require_at_most(PASSIVE_LEVEL, "IoUnregisterShutdownNotification");
    shutdown::unregister(device_at(device, "IoUnregisterShutdownNotification").0);
}

/// `EventCategoryTargetDeviceChange`.
const TARGET_DEVICE_CHANGE: u32 = 3;

/// `IoRegisterPlugPlayNotification` function (wdm.h), for what becomes of the device of a file. IRQL =
/// `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoRegisterPlugPlayNotification(
    category: u32,
    _flags: u32,
    file: u64,
    _driver: u64,
    routine: u64,
    context: u64,
    entry: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoRegisterPlugPlayNotification");
    if category != TARGET_DEVICE_CHANGE {
        violation!("notifications of category {category} are not supported by the lab");
    }
    if object::kind_of(file) != Some(Kind::File) {
        violation!("IoRegisterPlugPlayNotification was given {file:#x}, which is no file");
    }
    let number = notifications::register(FileObject(file), routine, context);
    raw::write(entry, number);
    NtStatus::SUCCESS
}

/// `IoUnregisterPlugPlayNotification` and `IoUnregisterPlugPlayNotificationEx` functions (wdm.h). IRQL =
/// `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoUnregisterPlugPlayNotificationEx(entry: u64) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoUnregisterPlugPlayNotification");
    if !notifications::unregister(entry) {
        violation!("the notification {entry:#x} is not registered");
    }
    NtStatus::SUCCESS
}
