//! I/O request packets.

use crate::bugcheck::rule_broken;
use crate::nt::layout::{DeviceObject, FileObject, Irp, StackLocation, Structure, major};
use crate::{pool, raw};
use nt_status::NtStatus;

use super::completion;

/// `IO_TYPE_IRP`.
const TYPE: u16 = 6;

/// Allocates a request with a number of stack locations, which is in progress from now on.
pub(crate) fn allocate_bare(stacks: u8) -> Irp {
    let size = Irp::SIZE + u64::from(stacks) * StackLocation::SIZE;
    let request = Irp(pool::allocate_for_lab(size, *b"Irp "));
    request.set(Irp::TYPE, TYPE);
    request.set(Irp::LENGTH, size as u16);
    request.set(Irp::STACK_COUNT, stacks);
    request.set(Irp::CURRENT_LOCATION, stacks + 1);
    request.set(
        Irp::CURRENT_STACK_LOCATION,
        request.0 + Irp::SIZE + u64::from(stacks) * StackLocation::SIZE,
    );
    completion::register(request);
    request
}

/// Allocates a request for the top driver of a device's stack, and fills in the members of its
/// first location that all functions share.
pub(crate) fn allocate(device: DeviceObject, file: FileObject, function: u8, mode: u8) -> Irp {
    let request = allocate_bare(device.get(DeviceObject::STACK_SIZE).max(1));
    request.set(Irp::REQUESTOR_MODE, mode);
    request.set(Irp::THREAD, crate::object::process::current_object());
    request.set(Irp::ORIGINAL_FILE_OBJECT, file.0);
    request.set(Irp::STATUS, NtStatus::NOT_SUPPORTED);
    let location = next_location(request);
    location.set(StackLocation::MAJOR_FUNCTION, function);
    location.set(StackLocation::FILE_OBJECT, file.0);
    request
}

/// Returns the location of the next driver: `IoGetNextIrpStackLocation`.
pub(crate) fn next_location(request: Irp) -> StackLocation {
    StackLocation(request.get(Irp::CURRENT_STACK_LOCATION) - StackLocation::SIZE)
}

/// Makes the next location the current one, for a device.
pub(super) fn advance(request: Irp, device: DeviceObject) -> StackLocation {
    let current = request.get(Irp::CURRENT_LOCATION);
    if current <= 1 {
        rule_broken!(
            SentStackLocations,
            "the request at {:#x} was sent further than it has stack locations",
            request.0
        );
    }
    let location = next_location(request);
    request.set(Irp::CURRENT_LOCATION, current - 1);
    request.set(Irp::CURRENT_STACK_LOCATION, location.0);
    location.set(StackLocation::DEVICE_OBJECT, device.0);
    location
}

/// Frees a request's memory. Later accesses to it fault.
pub(super) fn free(request: Irp) {
    pool::free(request.0, None);
}

/// Returns a stack location by its number; 1 is the last driver's.
pub(super) fn location(request: Irp, number: u8) -> StackLocation {
    StackLocation(request.0 + Irp::SIZE + (u64::from(number) - 1) * StackLocation::SIZE)
}

pub(crate) const fn function_name(function: u8) -> &'static str {
    match function {
        major::CREATE => "IRP_MJ_CREATE",
        major::CLOSE => "IRP_MJ_CLOSE",
        major::READ => "IRP_MJ_READ",
        major::WRITE => "IRP_MJ_WRITE",
        major::DEVICE_CONTROL => "IRP_MJ_DEVICE_CONTROL",
        major::CLEANUP => "IRP_MJ_CLEANUP",
        major::POWER => "IRP_MJ_POWER",
        major::PNP => "IRP_MJ_PNP",
        _ => "IRP_MJ (other)",
    }
}

/// Whether the type of the structure at an address is that of a request.
pub(crate) fn is_plausible(request: Irp) -> bool {
    raw::read::<u16>(request.0) == TYPE
}
