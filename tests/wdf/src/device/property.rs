//! Properties of a function device, which the Plug and Play manager knows.
//!
//! Source: `WdfDeviceQueryProperty`, `WdfDeviceAllocAndQueryProperty`. That a control device has none is in the
//! framework's published sources.

use super::Device;
use crate::{call::Call, memory::Memory, nt::device::DeviceObject, object::Ref, status::check};
use wdk_sys::{
    DEVICE_REGISTRY_PROPERTY, NTSTATUS, POOL_TYPE, PULONG, PVOID, PWDF_OBJECT_ATTRIBUTES,
    STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST, ULONG, WDFDEVICE, WDFMEMORY,
};

/// Returns the physical device of a function device.
///
/// `STATUS_INVALID_DEVICE_REQUEST` for a control device.
fn physical_of(device: Ref<Device>) -> Result<DeviceObject, NTSTATUS> {
    let pnp = device.pnp.as_ref();
    pnp.map(|pnp| pnp.physical)
        .ok_or(STATUS_INVALID_DEVICE_REQUEST)
}

/// `WdfDeviceQueryProperty`.
///
/// As [`physical_of`]; what `IoGetDeviceProperty` returns.
pub(crate) fn query(
    call: &Call,
    device: WDFDEVICE,
    property: DEVICE_REGISTRY_PROPERTY::Type,
    length: ULONG,
    buffer: PVOID,
    result_length: PULONG,
) -> NTSTATUS {
    let device = call.object::<Device>(device);
    call.require(result_length);
    if length > 0 {
        call.require(buffer);
    }
    call.require_passive();
    let physical = match physical_of(device) {
        Ok(physical) => physical,
        Err(status) => return status,
    };
    // SAFETY: the driver promises that its buffer has this many bytes.
    let (status, needed) = unsafe { physical.property(property, length, buffer) };
    call.write(result_length, needed);
    status
}

/// `WdfDeviceAllocAndQueryProperty`. The driver deletes the memory object, or its parent does.
///
/// As [`physical_of`] and [`Memory::allocate`]; what `IoGetDeviceProperty` returns, and what "Framework Object
/// Creation Errors" has.
pub(crate) fn allocate_and_query(
    call: &Call,
    device: WDFDEVICE,
    property: DEVICE_REGISTRY_PROPERTY::Type,
    pool_type: POOL_TYPE,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    memory: *mut WDFMEMORY,
) -> NTSTATUS {
    let device = call.object::<Device>(device);
    call.require_passive();
    call.deliver(memory, || {
        let physical = physical_of(device)?;
        let attributes = call.attributes(attributes)?;
        // SAFETY: no buffer, of no bytes.
        let (status, length) = unsafe { physical.property(property, 0, core::ptr::null_mut()) };
        if status != STATUS_BUFFER_TOO_SMALL {
            return Err(status);
        }
        let memory = Memory::allocate(pool_type, length as usize, call.client().tag())?;
        // SAFETY: the buffer was allocated with this length.
        let (status, _) = unsafe { physical.property(property, length, memory.buffer()) };
        check(status)?;
        call.create(&attributes, memory)
    })
}
