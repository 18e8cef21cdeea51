//! Cancellation.
//!
//! Source: "Canceling I/O Requests", `WdfRequestMarkCancelableEx`, `WdfRequestUnmarkCancelable`.

use super::{Request, State, live};
use crate::{
    call::Call,
    callback,
    nt::irp::Irp,
    object::{
        Ref,
        handle::{self, Lookup},
    },
    report::{refuse, report},
    sync::Serial,
};
use core::ptr::NonNull;
use wdk_sys::{
    NTSTATUS, PDEVICE_OBJECT, PFN_WDF_REQUEST_CANCEL, PIRP, STATUS_CANCELLED,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, WDFREQUEST,
};

/// The cancel routine of every packet that the framework lets be cancelled.
///
/// # Safety
///
/// Called by `IoCancelIrp`, with the cancel lock held, for a packet that carries the routine.
pub(super) unsafe extern "C" fn on_cancel(_device: PDEVICE_OBJECT, irp: PIRP) {
    let Some(irp) = NonNull::new(irp) else { return };
    // SAFETY: the code that takes the routine out of the packet owns it; IoCancelIrp did, for this
    // call.
    let irp = unsafe { Irp::new(irp) };
    irp.release_cancel_lock();
    let Lookup::Live(any) = handle::look_up(irp.driver_context()) else {
        report!("a packet without a request was cancelled");
        return;
    };
    let Some(request) = any.downcast::<Request>() else {
        return;
    };
    match (request.state(), request.queue.get()) {
        (State::Queued, Some(queue)) => {
            queue.withdraw(request);
            queue.cancel_waiting(request);
        }
        _ => call_back(request),
    }
}

/// Calls the driver's callback, which completes the request.
fn call_back(request: Ref<Request>) {
    let any = request.any();
    any.reference();
    let evt_cancel = request.evt_cancel.get();
    let serial = request.queue.get().map_or(Serial::Free, Serial::of_queue);
    let handle = request.handle().cast();
    serial.run(|| callback::call!(evt_cancel, "EvtRequestCancel", handle));
    any.release();
}

/// The result of making a request cancelable.
enum Marked {
    Cancelable,
    /// It is cancelled already, and the callback will not be called.
    Cancelled,
}

/// Makes a request cancelable.
///
/// `STATUS_INVALID_DEVICE_REQUEST` if the driver did not get it from a queue, does not own it, or has made
/// it cancelable already.
fn mark(
    call: &Call,
    handle: WDFREQUEST,
    evt_cancel: PFN_WDF_REQUEST_CANCEL,
) -> Result<(Ref<Request>, Marked), NTSTATUS> {
    let (request, irp) = live(call, handle);
    call.require_callback(evt_cancel);
    if request.queue.get().is_none()
        || !request.state().is_drivers()
        || request.evt_cancel.get().is_some()
    {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    request.evt_cancel.set(evt_cancel);
    irp.set_driver_context(request.handle());
    irp.set_cancel_routine(Some(on_cancel));
    if irp.is_cancelled() && irp.set_cancel_routine(None) {
        request.evt_cancel.set(None);
        return Ok((request, Marked::Cancelled));
    }
    Ok((request, Marked::Cancelable))
}

/// `WdfRequestMarkCancelable`. For a request that has been cancelled, the callback comes at once.
pub(crate) fn mark_cancelable(
    call: &Call,
    request: WDFREQUEST,
    evt_cancel: PFN_WDF_REQUEST_CANCEL,
) {
    match mark(call, request, evt_cancel) {
        Ok((_, Marked::Cancelable)) => {}
        Ok((request, Marked::Cancelled)) => {
            request.evt_cancel.set(evt_cancel);
            call_back(request);
        }
        Err(status) => refuse!(
            call,
            Queue,
            [request.addr(), status.cast_unsigned() as usize],
            "the driver does not own the request, or it is cancelable already"
        ),
    }
}

/// `WdfRequestMarkCancelableEx`.
///
/// `STATUS_CANCELLED` for a request that has been cancelled: the callback will not come.
/// `STATUS_INVALID_DEVICE_REQUEST` if the driver did not get it from a queue, does not own it, or has made
/// it cancelable already.
pub(crate) fn mark_cancelable_ex(
    call: &Call,
    request: WDFREQUEST,
    evt_cancel: PFN_WDF_REQUEST_CANCEL,
) -> NTSTATUS {
    match mark(call, request, evt_cancel) {
        Ok((_, Marked::Cancelable)) => STATUS_SUCCESS,
        Ok((_, Marked::Cancelled)) => STATUS_CANCELLED,
        Err(status) => status,
    }
}

/// `WdfRequestUnmarkCancelable`.
///
/// `STATUS_INVALID_PARAMETER` if the request is not cancelable; `STATUS_INVALID_DEVICE_REQUEST` if
/// the driver does not own it; `STATUS_CANCELLED` if the callback has come or will come.
pub(crate) fn unmark_cancelable(call: &Call, request: WDFREQUEST) -> NTSTATUS {
    let (request, irp) = live(call, request);
    if !request.state().is_drivers() {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if request.evt_cancel.get().is_none() {
        return STATUS_INVALID_PARAMETER;
    }
    if irp.set_cancel_routine(None) {
        request.evt_cancel.set(None);
        STATUS_SUCCESS
    } else {
        STATUS_CANCELLED
    }
}
