//! Functions that read a request or send it to a queue.

use super::{Request, State, live, owned};
use crate::{
    call::{Call, getters},
    device::Device,
    nt::routine,
    object::{Ref, handle_or_null},
    queue::Queue,
    report::refuse,
};
use core::{mem::offset_of, sync::atomic::Ordering};
use wdk_sys::{
    BOOLEAN, IO_STACK_LOCATION, IRP_MJ_CREATE, IRP_MJ_READ, IRP_MJ_WRITE, KPROCESSOR_MODE,
    NTSTATUS, PIRP, PWDF_REQUEST_PARAMETERS, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS, ULONG,
    ULONG_PTR, WDF_REQUEST_PARAMETERS, WDF_REQUEST_TYPE, WDFDEVICE, WDFFILEOBJECT, WDFQUEUE,
    WDFREQUEST,
};

/// `WdfRequestGetParameters`.
pub(crate) fn get_parameters(
    call: &Call,
    request: WDFREQUEST,
    parameters: PWDF_REQUEST_PARAMETERS,
) {
    let (_, irp) = owned(call, request);
    let given = call.read(parameters);
    call.require_size::<WDF_REQUEST_PARAMETERS>(given.Size);
    let stack = irp.stack();
    let major = stack.major_function();
    let mut result = WDF_REQUEST_PARAMETERS {
        Size: given.Size,
        MinorFunction: stack.minor_function(),
        Type: WDF_REQUEST_TYPE::from(major),
        // The members are the stack location's, except that the lengths are wider.
        Parameters: stack.parameter(offset_of!(IO_STACK_LOCATION, Parameters)),
    };
    match u32::from(major) {
        IRP_MJ_CREATE => {}
        IRP_MJ_READ => result.Parameters.Read.Length = stack.output_length() as usize,
        IRP_MJ_WRITE => result.Parameters.Write.Length = stack.input_length() as usize,
        _ => {
            result.Parameters.DeviceIoControl.OutputBufferLength = stack.output_length() as usize;
            result.Parameters.DeviceIoControl.InputBufferLength = stack.input_length() as usize;
        }
    }
    call.write(parameters, result);
}

getters! {
    /// `WdfRequestGetStatus`: of a request that has not been sent anywhere, the packet's.
    get_status(live: WDFREQUEST => (_, irp)) -> NTSTATUS = irp.status();
    /// `WdfRequestGetInformation`.
    get_information(owned: WDFREQUEST => (_, irp)) -> ULONG_PTR = irp.information();
    /// `WdfRequestGetFileObject`: null if the driver wants no file objects, or can do without one.
    get_file_object(owned: WDFREQUEST => (request, _)) -> WDFFILEOBJECT
        = handle_or_null(request.file);
    /// `WdfRequestGetRequestorMode`.
    get_requestor_mode(owned: WDFREQUEST => (_, irp)) -> KPROCESSOR_MODE = irp.requestor_mode();
    /// `WdfRequestGetRequestorProcessId`.
    get_requestor_process_id(owned: WDFREQUEST => (request, _)) -> ULONG = request.process_id;
    /// `WdfRequestIsCanceled`.
    is_canceled(owned: WDFREQUEST => (_, irp)) -> BOOLEAN = irp.is_cancelled().into();
    /// `WdfRequestWdmGetIrp`.
    wdm_get_irp(owned: WDFREQUEST => (_, irp)) -> PIRP = irp.as_ptr();
    /// `WdfRequestGetIoQueue`: null for a request that the driver did not get from a queue.
    get_io_queue(owned: WDFREQUEST => (request, _)) -> WDFQUEUE
        = handle_or_null(request.queue.get());
}

/// `WdfRequestSetInformation`.
pub(crate) fn set_information(call: &Call, request: WDFREQUEST, information: ULONG_PTR) {
    let (_, irp) = owned(call, request);
    irp.set_information(information);
}

type IoIs32bitProcess = unsafe extern "C" fn(PIRP) -> BOOLEAN;

/// `WdfRequestIsFrom32BitProcess`: false on a system without `IoIs32bitProcess`.
pub(crate) fn is_from_32_bit_process(call: &Call, request: WDFREQUEST) -> BOOLEAN {
    let (_, irp) = owned(call, request);
    // SAFETY: the type of the routine of that name (wdm.h).
    let routine = unsafe { routine::find::<IoIs32bitProcess>("IoIs32bitProcess") };
    // SAFETY: a packet that the framework holds.
    routine.map_or(0, |routine| unsafe { routine(irp.as_ptr()) })
}

/// `WdfDeviceEnqueueRequest`.
///
/// `STATUS_INVALID_DEVICE_REQUEST` if the device has no queue for the request; `STATUS_WDF_BUSY` if
/// the queue accepts none. On failure the request stays the driver's. For a request that is not
/// just coming from `EvtIoInCallerContext`, or that of another device, a bugcheck.
pub(crate) fn enqueue(call: &Call, device: WDFDEVICE, request: WDFREQUEST) -> NTSTATUS {
    let device = call.object::<Device>(device);
    let (request, _) = owned(call, request);
    if request.state() != State::CallerContext || request.device != device {
        refuse!(
            call,
            Queue,
            [request.handle().addr(), 0],
            "not a request that EvtIoInCallerContext was called with"
        );
    }
    let submitted = request.submit_to_device(device);
    submitted.err().unwrap_or(STATUS_SUCCESS)
}

/// `WdfRequestForwardToIoQueue`.
///
/// `STATUS_INVALID_DEVICE_REQUEST` for a request that the driver did not get from another queue of
/// the same device, does not own, or has made cancelable; `STATUS_WDF_BUSY` if the queue accepts
/// none. On failure the request stays the driver's.
pub(crate) fn forward_to_io_queue(
    call: &Call,
    request: WDFREQUEST,
    destination: WDFQUEUE,
) -> NTSTATUS {
    let (request, _) = live(call, request);
    let destination = call.object::<Queue>(destination);
    call.report(forward(request, destination))
}

fn forward(request: Ref<Request>, destination: Ref<Queue>) -> Result<(), NTSTATUS> {
    let source = request.queue.get().ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
    if request.state() != State::Owned
        || source == destination
        || source.device != destination.device
        || request.evt_cancel.get().is_some()
    {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    // As in a completion: while the handler runs, the thread that called it presents the next
    // request.
    let in_handler = request.in_handler.load(Ordering::SeqCst);
    source.disown(request);
    if let Err(status) = destination.submit(request) {
        source.own_again(request);
        return Err(status);
    }
    if !in_handler {
        source.present_waiting();
    }
    Ok(())
}
