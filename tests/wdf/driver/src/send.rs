//! Requests that the driver sends on.

use crate::{
    codes::{LEVEL, SEND_AND_FORGET, SEND_AND_WAIT},
    note, sized, wdf,
};
use core::mem::offset_of;
use nt_status::NtStatus;
use wdk_sys::{
    _WDF_REQUEST_SEND_OPTIONS_FLAGS as SendFlags, IO_STACK_LOCATION, IRP, IRP_MJ_DEVICE_CONTROL,
    NTSTATUS, PDEVICE_OBJECT, PIRP, PVOID, PWDF_REQUEST_COMPLETION_PARAMS, SL_INVOKE_ON_CANCEL,
    SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS, STATUS_UNSUCCESSFUL, UCHAR, ULONG,
    WDF_REQUEST_COMPLETION_PARAMS, WDF_REQUEST_SEND_OPTIONS, WDFCONTEXT, WDFDEVICE, WDFIOTARGET,
    WDFREQUEST, ntddk,
};

/// Sends a request to the device below, as its code says.
pub fn below(device: WDFDEVICE, request: WDFREQUEST, code: ULONG) {
    let target: WDFIOTARGET = wdf!(WdfDeviceGetIoTarget, device);
    let mut options = sized!(WDF_REQUEST_SEND_OPTIONS {
        Flags: match code {
            SEND_AND_FORGET => SendFlags::WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET,
            SEND_AND_WAIT => SendFlags::WDF_REQUEST_SEND_OPTION_SYNCHRONOUS,
            _ => 0,
        }
        .cast_unsigned(),
    });
    if code != SEND_AND_FORGET {
        wdf!(WdfRequestFormatRequestUsingCurrentType, request);
        wdf!(
            WdfRequestSetCompletionRoutine,
            request,
            Some(completion),
            target.cast()
        );
    }
    if wdf!(WdfRequestSend, request, target, &raw mut options) == 0 {
        wdf!(WdfRequestComplete, request, STATUS_UNSUCCESSFUL);
    } else if code == SEND_AND_WAIT {
        let mut params = sized!(WDF_REQUEST_COMPLETION_PARAMS {});
        wdf!(WdfRequestGetCompletionParams, request, &raw mut params);
        let status = wdf!(WdfRequestGetStatus, request);
        let agreed = agreed(&params, status);
        wdf!(WdfRequestComplete, request, agreed);
    }
}

/// Returns the status of a request that came back, if its parameters tell the same; else
/// `STATUS_UNSUCCESSFUL`.
const fn agreed(params: &WDF_REQUEST_COMPLETION_PARAMS, status: NTSTATUS) -> NTSTATUS {
    // SAFETY: every bit pattern of the union is a status.
    let told = unsafe { params.IoStatus.__bindgen_anon_1.Status };
    if told == status {
        status
    } else {
        STATUS_UNSUCCESSFUL
    }
}

/// Notes that a completion routine was called. Returns the request's status, and the parameters.
pub fn came_back(
    request: WDFREQUEST,
    params: PWDF_REQUEST_COMPLETION_PARAMS,
) -> (NTSTATUS, WDF_REQUEST_COMPLETION_PARAMS) {
    note(c"EvtRequestCompletion");
    let status = wdf!(WdfRequestGetStatus, request);
    // SAFETY: the framework's parameters, which stay during the call.
    (status, unsafe { params.read() })
}

unsafe extern "C" fn completion(
    request: WDFREQUEST,
    target: WDFIOTARGET,
    params: PWDF_REQUEST_COMPLETION_PARAMS,
    context: WDFCONTEXT,
) {
    let (status, params) = came_back(request, params);
    let agreed = if target == context.cast() {
        agreed(&params, status)
    } else {
        STATUS_UNSUCCESSFUL
    };
    wdf!(WdfRequestComplete, request, agreed);
}

const INVOKE_ALWAYS: ULONG = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;

const CURRENT_STACK_LOCATION: usize = offset_of!(
    IRP,
    Tail.Overlay
        .__bindgen_anon_2
        .__bindgen_anon_1
        .CurrentStackLocation
);

/// Sends the packet of a request to this driver's own device, as a request without a file. It has the stack
/// location of the device below.
pub fn without_file(device: WDFDEVICE, request: WDFREQUEST) {
    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    const HEAD: (UCHAR, UCHAR) = (IRP_MJ_DEVICE_CONTROL as UCHAR, INVOKE_ALWAYS as UCHAR);
    let mut location = IO_STACK_LOCATION {
        MajorFunction: HEAD.0,
        Control: HEAD.1,
        CompletionRoutine: Some(returned),
        Context: request.cast(),
        ..IO_STACK_LOCATION::default()
    };
    location.Parameters.DeviceIoControl.IoControlCode = LEVEL;
    let irp: PIRP = wdf!(WdfRequestWdmGetIrp, request);
    let current: *mut *mut IO_STACK_LOCATION = irp.wrapping_byte_add(CURRENT_STACK_LOCATION).cast();
    // SAFETY: a member of the packet of a request that the driver owns.
    let current = unsafe { current.read() };
    // SAFETY: the packet has a location for each device of the stack, this is not the last one's, and the
    // next one is unused until the packet is sent.
    unsafe { current.wrapping_sub(1).write(location) };
    let object: PDEVICE_OBJECT = wdf!(WdfDeviceWdmGetDeviceObject, device);
    // SAFETY: the driver's device, and a packet whose next location is made.
    let _ = unsafe { ntddk::IofCallDriver(object, irp) };
}

/// The completion routine of [`without_file`].
unsafe extern "C" fn returned(_device: PDEVICE_OBJECT, irp: PIRP, request: PVOID) -> NTSTATUS {
    // SAFETY: the packet is this driver's until the request is completed.
    let status = unsafe { (*irp).IoStatus };
    // SAFETY: every bit pattern of the union is a status.
    let status = unsafe { status.__bindgen_anon_1.Status };
    wdf!(WdfRequestComplete, request.cast(), status);
    NtStatus::MORE_PROCESSING_REQUIRED.as_raw()
}
