//! The I/O manager's functions.

use crate::bugcheck::{rule_broken, violation};
use crate::io::{self, KERNEL_MODE, cancel, completion, irp};
use crate::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL, require_at_most};
use crate::memory::layout;
use crate::nt::layout::{DeviceObject, DriverObject, FileObject, Irp, Structure};
use crate::nt::strings;
use crate::object::{self, Kind, device, directory, process};
use crate::raw;
use nt_status::NtStatus;

/// `IoCreateDevice` function (wdm.h). IRQL <= `APC_LEVEL`; Driver Verifier asks for `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoCreateDevice(
    driver: u64,
    extension_size: u32,
    name: u64,
    kind: u32,
    characteristics: u32,
    exclusive: u8,
    result: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoCreateDevice");
    let name = (name != 0).then(|| strings::read(name));
    let attributes = device::Attributes {
        extension_size,
        name: name.as_deref(),
        kind,
        characteristics,
        exclusive: exclusive != 0,
    };
    let made = device::make(DriverObject(driver), &attributes);
    let given = made.map(|device| raw::write(result, device.0));
    given.err().unwrap_or(NtStatus::SUCCESS)
}

/// `IoDeleteDevice` function (wdm.h). IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn IoDeleteDevice(device: u64) {
    require_at_most(APC_LEVEL, "IoDeleteDevice");
    device::delete(DeviceObject(device));
}

/// `IoCreateSymbolicLink` function (wdm.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoCreateSymbolicLink(link: u64, target: u64) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoCreateSymbolicLink");
    let added = directory::add_link(&strings::read(link), &strings::read(target));
    added.err().unwrap_or(NtStatus::SUCCESS)
}

/// `IoDeleteSymbolicLink` function (wdm.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn IoDeleteSymbolicLink(link: u64) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "IoDeleteSymbolicLink");
    let removed = directory::remove_link(&strings::read(link));
    removed.err().unwrap_or(NtStatus::SUCCESS)
}

/// `IoAcquireCancelSpinLock` function (wdm.h): writes the previous IRQL. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoAcquireCancelSpinLock(level: u64) {
    require_at_most(DISPATCH_LEVEL, "IoAcquireCancelSpinLock");
    raw::write(level, cancel::acquire_lock());
}

/// `IoReleaseCancelSpinLock` function (wdm.h). IRQL = `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoReleaseCancelSpinLock(level: u8) {
    cancel::release_lock(level);
}

/// `IoCancelIrp` function (wdm.h): sets the cancel bit and calls the cancel routine, if there is
/// one; TRUE if there was. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoCancelIrp(request: u64) -> u8 {
    require_at_most(DISPATCH_LEVEL, "IoCancelIrp");
    u8::from(cancel::cancel(Irp(request)))
}

/// `IoAllocateIrp` function (wdm.h): the request is of kernel mode. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoAllocateIrp(stack_size: u8, _charge_quota: u8) -> u64 {
    require_at_most(DISPATCH_LEVEL, "IoAllocateIrp");
    irp::allocate_bare(stack_size).0
}

/// `IoFreeIrp` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoFreeIrp(request: u64) {
    require_at_most(DISPATCH_LEVEL, "IoFreeIrp");
    let request = Irp(request);
    if !irp::is_plausible(request) {
        violation!("IoFreeIrp was given {:#x}, which is no request", request.0);
    }
    if request.get(Irp::CURRENT_LOCATION) <= request.get(Irp::STACK_COUNT) {
        violation!("the request at {:#x} was freed in a driver", request.0);
    }
    completion::withdraw(request);
}

/// `IoGetRelatedDeviceObject` function (wdm.h): the top of the stack of a file's device. IRQL <=
/// `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoGetRelatedDeviceObject(file: u64) -> u64 {
    require_at_most(DISPATCH_LEVEL, "IoGetRelatedDeviceObject");
    if object::kind_of(file) != Some(Kind::File) {
        violation!("IoGetRelatedDeviceObject was given {file:#x}, which is no file of a device");
    }
    device::top(DeviceObject(
        FileObject(file).get(FileObject::DEVICE_OBJECT),
    ))
    .0
}

/// `IofCompleteRequest`, which the macro `IoCompleteRequest` (wdm.h) calls. IRQL <=
/// `DISPATCH_LEVEL`. A second completion is "Bug Check 0x44".
pub(super) extern "win64" fn IofCompleteRequest(request: u64, _boost: u8) {
    require_at_most(DISPATCH_LEVEL, "IoCompleteRequest");
    completion::complete(Irp(request));
}

/// `IofCallDriver`, which the macro `IoCallDriver` (wdm.h) calls. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IofCallDriver(device: u64, request: u64) -> NtStatus {
    require_at_most(DISPATCH_LEVEL, "IoCallDriver");
    require_sendable(DeviceObject(device), Irp(request));
    io::call_driver(DeviceObject(device), Irp(request))
}

/// Ends the run if a driver may not send a request to a device: "Bug Check 0xC9" and "Driver Verifier
/// Security Checks", Windows driver documentation.
fn require_sendable(device: DeviceObject, request: Irp) {
    if !irp::is_plausible(request) {
        rule_broken!(SentType, "{:#x} was sent, which is no request", request.0);
    }
    if object::kind_of(device.0) != Some(Kind::Device) {
        rule_broken!(
            SentDevice,
            "the request at {:#x} was sent to {:#x}, which is no device",
            request.0,
            device.0
        );
    }
    if request.get(Irp::CANCEL_ROUTINE) != 0 {
        rule_broken!(
            SentCancelRoutine,
            "the request at {:#x} was sent with its cancel routine still set",
            request.0
        );
    }
    let is_of_user = |address: u64| address != 0 && layout::is_lower_half(address);
    let buffers = [
        request.get(Irp::SYSTEM_BUFFER),
        request.get(Irp::USER_BUFFER),
    ];
    let of_kernel = request.get(Irp::REQUESTOR_MODE) == KERNEL_MODE;
    if let Some(address) = buffers.into_iter().find(|&at| of_kernel && is_of_user(at)) {
        rule_broken!(
            KernelIrp,
            "the request at {:#x} of kernel mode has its buffer at {address:#x}",
            request.0
        );
    }
}

/// `IoIs32bitProcess` function (wdm.h): the lab's processes are 64-bit.
pub(super) const extern "win64" fn IoIs32bitProcess(_request: u64) -> u8 {
    0
}

/// `IoGetRequestorProcess` function (ntifs.h): the process that sent the request.
pub(super) extern "win64" fn IoGetRequestorProcess(request: u64) -> u64 {
    // The lab uses the address of the process for its thread.
    Irp(request).get(Irp::THREAD)
}

/// `IoGetRequestorProcessId` function (ntddk.h).
pub(super) extern "win64" fn IoGetRequestorProcessId(request: u64) -> u32 {
    let Some(id) = process::id_of(IoGetRequestorProcess(request)) else {
        violation!("the request at {request:#x} has no requestor");
    };
    id as u32
}
