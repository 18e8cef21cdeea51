//! The properties of the device, which a request names as a number, and gets.

use crate::{NONPAGED_POOL_NX, check, requests::make, served, wdf};
use core::ptr::null_mut;
use wdk_sys::{
    DEVICE_REGISTRY_PROPERTY, NTSTATUS, PVOID, STATUS_BUFFER_TOO_SMALL, STATUS_SUCCESS, ULONG,
    WDFDEVICE, WDFMEMORY, WDFREQUEST,
};

/// Completes a request with a property: one that is asked for with a buffer, or with memory of the framework.
pub fn control(device: WDFDEVICE, request: WDFREQUEST, allocates: bool) {
    let (status, length) = match retrieve(device, request, allocates) {
        Ok(length) => (STATUS_SUCCESS, length),
        Err(status) => (status, 0),
    };
    wdf!(
        WdfRequestCompleteWithInformation,
        request,
        status,
        length as u64
    );
}

/// Returns the length of the property, which is in the request's buffer.
fn retrieve(device: WDFDEVICE, request: WDFREQUEST, allocates: bool) -> Result<usize, NTSTATUS> {
    // SAFETY: the input has at least 4 bytes.
    let property = unsafe {
        served::input(request)?
            .cast::<DEVICE_REGISTRY_PROPERTY::Type>()
            .read()
    };
    let mut capacity = 0;
    let size = &raw mut capacity;
    let buffer: PVOID =
        make(|buffer| wdf!(WdfRequestRetrieveOutputBuffer, request, 1, buffer, size))?;
    if allocates {
        return by_memory(device, property, buffer, capacity);
    }
    let mut length = 0;
    check(wdf!(
        WdfDeviceQueryProperty,
        device,
        property,
        ULONG::try_from(capacity).unwrap_or(ULONG::MAX),
        buffer,
        &raw mut length
    ))?;
    Ok(length as usize)
}

fn by_memory(
    device: WDFDEVICE,
    property: DEVICE_REGISTRY_PROPERTY::Type,
    buffer: PVOID,
    capacity: usize,
) -> Result<usize, NTSTATUS> {
    let memory: WDFMEMORY = make(|memory| {
        wdf!(
            WdfDeviceAllocAndQueryProperty,
            device,
            property,
            NONPAGED_POOL_NX,
            null_mut(),
            memory
        )
    })?;
    let mut length = 0;
    let _ = wdf!(WdfMemoryGetBuffer, memory, &raw mut length);
    let status = if length > capacity {
        STATUS_BUFFER_TOO_SMALL
    } else {
        wdf!(WdfMemoryCopyToBuffer, memory, 0, buffer, length)
    };
    wdf!(WdfObjectDelete, memory.cast());
    check(status)?;
    Ok(length)
}
