//! What the framework refuses or accepts: one device control code for each case. The status of the case is
//! that of the request.

use crate::{
    entry::{attributes, sized},
    wdf,
};
use core::ptr::null_mut;
use nt_status::NtStatus;
use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE as DispatchType,
    _WDF_SYNCHRONIZATION_SCOPE as SynchronizationScope, _WDF_TRI_STATE as TriState, DEVICE_OBJECT,
    FILE_DEVICE_SECURE_OPEN, NTSTATUS, PMDL, PVOID, PWDFDEVICE_INIT, STATUS_SUCCESS,
    STATUS_UNSUCCESSFUL, ULONG, UNICODE_STRING, WDF_DRIVER_CONFIG, WDF_IO_QUEUE_CONFIG, WDFDEVICE,
    WDFDRIVER, WDFMEMORY, WDFQUEUE, WDFREQUEST,
};

/// The first code; the cases follow in steps of four, all `METHOD_BUFFERED` but the last one.
pub const FIRST: ULONG = 0x0022_2400;
const QUEUE_WITHOUT_HANDLE: ULONG = FIRST;
const MANUAL_QUEUE_WITH_HANDLER: ULONG = FIRST + 4;
const LATE_DEFAULT_QUEUE: ULONG = FIRST + 8;
const PARALLEL_QUEUE_FOR_NONE: ULONG = FIRST + 12;
const SCOPE_OF_MEMORY: ULONG = FIRST + 16;
const FRAMEWORK_STATUS: ULONG = FIRST + 20;
const LISTS_OF_ONE_BUFFER: ULONG = FIRST + 24;
const EMPTY_LINK: ULONG = FIRST + 28;
const CONTROL_DEVICE_WITHOUT_SDDL: ULONG = FIRST + 32;
const CHARACTERISTICS: ULONG = FIRST + 36;
const UNKNOWN_FLAGS: ULONG = FIRST + 40;
/// Decided in `EvtIoInCallerContext`.
pub const CANCELABLE_WITHOUT_QUEUE: ULONG = FIRST + 44;
/// `METHOD_NEITHER`.
const NEITHER_OF_NOTHING: ULONG = FIRST + 51;
pub const LAST: ULONG = NEITHER_OF_NOTHING;

/// Returns the status of a case.
pub fn status_of(queue: WDFQUEUE, request: WDFREQUEST, code: ULONG) -> NTSTATUS {
    let device = wdf!(WdfIoQueueGetDevice, queue);
    match code {
        QUEUE_WITHOUT_HANDLE => {
            queue_of(device, DispatchType::WdfIoQueueDispatchManual, false, 0, 0)
        }
        MANUAL_QUEUE_WITH_HANDLER => {
            queue_of(device, DispatchType::WdfIoQueueDispatchManual, true, 0, 1)
        }
        LATE_DEFAULT_QUEUE => queue_of(
            device,
            DispatchType::WdfIoQueueDispatchSequential,
            true,
            1,
            1,
        ),
        PARALLEL_QUEUE_FOR_NONE => {
            queue_of(device, DispatchType::WdfIoQueueDispatchParallel, true, 0, 1)
        }
        SCOPE_OF_MEMORY => memory(device),
        FRAMEWORK_STATUS => NtStatus::WDF_BUSY.as_raw(),
        LISTS_OF_ONE_BUFFER => lists(request),
        EMPTY_LINK => {
            let name = UNICODE_STRING::default();
            wdf!(WdfDeviceCreateSymbolicLink, device, &raw const name)
        }
        CONTROL_DEVICE_WITHOUT_SDDL | CHARACTERISTICS => control_device(device, code),
        UNKNOWN_FLAGS => driver_flags(device),
        NEITHER_OF_NOTHING => {
            let mut buffer: PVOID = null_mut();
            wdf!(
                WdfRequestRetrieveInputBuffer,
                request,
                0,
                &raw mut buffer,
                null_mut()
            )
        }
        _ => STATUS_UNSUCCESSFUL,
    }
}

const unsafe extern "C" fn never(_queue: WDFQUEUE, _request: WDFREQUEST) {}

/// Makes a queue. `takes_handle` is whether its handle is taken, 0 or 1.
fn queue_of(
    device: WDFDEVICE,
    dispatch: i32,
    has_handler: bool,
    default: u8,
    takes_handle: u8,
) -> NTSTATUS {
    let mut config = sized!(WDF_IO_QUEUE_CONFIG {
        DispatchType: dispatch,
        PowerManaged: TriState::WdfUseDefault,
        DefaultQueue: default,
    });
    if has_handler {
        config.EvtIoDefault = Some(never);
    }
    let mut queue: WDFQUEUE = null_mut();
    let place = if takes_handle == 0 {
        null_mut()
    } else {
        &raw mut queue
    };
    wdf!(WdfIoQueueCreate, device, &raw mut config, null_mut(), place)
}

fn memory(device: WDFDEVICE) -> NTSTATUS {
    let mut attributes = attributes();
    attributes.ParentObject = device.cast();
    attributes.SynchronizationScope = SynchronizationScope::WdfSynchronizationScopeNone;
    let mut memory: WDFMEMORY = null_mut();
    wdf!(
        WdfMemoryCreate,
        &raw mut attributes,
        512,
        0,
        16,
        &raw mut memory,
        null_mut()
    )
}

/// Whether input and output in one system buffer have one list.
fn lists(request: WDFREQUEST) -> NTSTATUS {
    let (mut input, mut output): (PMDL, PMDL) = (null_mut(), null_mut());
    let status = wdf!(WdfRequestRetrieveInputWdmMdl, request, &raw mut input);
    if status < 0 {
        return status;
    }
    let status = wdf!(WdfRequestRetrieveOutputWdmMdl, request, &raw mut output);
    if status >= 0 && input != output {
        return STATUS_UNSUCCESSFUL;
    }
    status
}

fn control_device(device: WDFDEVICE, code: ULONG) -> NTSTATUS {
    let mut characters = "D:P".encode_utf16();
    let mut text = [0_u16; 3];
    for place in &mut text {
        *place = characters.next().unwrap_or(0);
    }
    let sddl = UNICODE_STRING {
        Length: 6,
        MaximumLength: 6,
        Buffer: text.as_mut_ptr(),
    };
    let driver: WDFDRIVER = wdf!(WdfDeviceGetDriver, device);
    let mut init: PWDFDEVICE_INIT = wdf!(WdfControlDeviceInitAllocate, driver, &raw const sddl);
    if code == CONTROL_DEVICE_WITHOUT_SDDL {
        let status = wdf!(
            WdfDeviceInitAssignSDDLString,
            init,
            core::ptr::null::<UNICODE_STRING>()
        );
        wdf!(WdfDeviceInitFree, init);
        return status;
    }
    // A generated name, because a device with a security setting has to have one.
    wdf!(WdfDeviceInitSetCharacteristics, init, 0x80, 0);
    let mut made: WDFDEVICE = null_mut();
    let status = wdf!(WdfDeviceCreate, &raw mut init, null_mut(), &raw mut made);
    if status < 0 {
        return status;
    }
    let object: *mut DEVICE_OBJECT = wdf!(WdfDeviceWdmGetDeviceObject, made);
    // SAFETY: the device object of a device that exists.
    let characteristics = unsafe { (*object).Characteristics };
    wdf!(WdfObjectDelete, made.cast());
    if characteristics & FILE_DEVICE_SECURE_OPEN == 0 {
        return STATUS_UNSUCCESSFUL;
    }
    STATUS_SUCCESS
}

/// Calls `WdfDriverCreate` again, with flags that do not exist.
fn driver_flags(device: WDFDEVICE) -> NTSTATUS {
    let driver: WDFDRIVER = wdf!(WdfDeviceGetDriver, device);
    let object = wdf!(WdfDriverWdmGetDriverObject, driver);
    let path = UNICODE_STRING::default();
    let mut config = sized!(WDF_DRIVER_CONFIG {
        DriverInitFlags: 0x100,
    });
    wdf!(
        WdfDriverCreate,
        object,
        &raw const path,
        null_mut(),
        &raw mut config,
        null_mut()
    )
}
