//! The functions for requests that are sent.
//!
//! Source: `WdfRequestSend`, `WDF_REQUEST_SEND_OPTIONS`, `WdfRequestReuse`, and the pages of the functions.

use super::{
    Target,
    send::{FORGET, Options, WAIT},
};
use crate::{
    call::Call,
    object::{
        Ref,
        attributes::{Allowed, Attributes},
    },
    report::refuse,
    request::{Request, complete, held, live, owned, refuse_cancelable},
    status::STATUS_WDF_REQUEST_INVALID_STATE,
};
use wdk_sys::{
    _WDF_REQUEST_REUSE_FLAGS as ReuseFlags, BOOLEAN, NTSTATUS, PFN_WDF_REQUEST_COMPLETION_ROUTINE,
    PWDF_OBJECT_ATTRIBUTES, PWDF_REQUEST_COMPLETION_PARAMS, PWDF_REQUEST_REUSE_PARAMS,
    PWDF_REQUEST_SEND_OPTIONS, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_DEVICE_STATE,
    STATUS_INVALID_PARAMETER, STATUS_SUCCESS, WDF_REQUEST_COMPLETION_PARAMS,
    WDF_REQUEST_REUSE_PARAMS, WDFCONTEXT, WDFIOTARGET, WDFREQUEST,
};

/// `WDF_REQUEST_FATAL_ERROR`: a request is not formatted, or a target has it.
const NOT_FORMATTED: usize = 0x1;
const ALREADY_SENT: usize = 0x3;

/// Refuses the use of a request that a target has.
pub(crate) fn require_back(call: &Call, request: Ref<Request>) {
    if request.sending.is_sent() {
        refuse!(
            call,
            Request,
            [ALREADY_SENT, request.handle().addr()],
            "the request has been sent to a target, and is not back"
        );
    }
}

/// `WdfRequestCreate`.
///
/// `STATUS_INVALID_DEVICE_STATE` for a target that is closed; what "Framework Object Creation Errors" has.
pub(crate) fn create_request(
    call: &Call,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    target: WDFIOTARGET,
    request: *mut WDFREQUEST,
) -> NTSTATUS {
    call.deliver(request, || {
        let attributes = Attributes::read(call, attributes, Allowed::PARENT)?;
        let made = call.create(&attributes, Request::of_driver())?;
        if !target.is_null() {
            made.packet_for(&call.object::<Target>(target))
                .inspect_err(|_| {
                    made.any().delete();
                })?;
        }
        Ok(made)
    })
}

/// `WdfRequestChangeTarget`: makes sure that the request can be sent to a target.
///
/// As [`Ref::<Request>::packet_for`].
pub(crate) fn change_target(call: &Call, request: WDFREQUEST, target: WDFIOTARGET) -> NTSTATUS {
    let request = held(call, request);
    require_back(call, request);
    let target = call.object::<Target>(target);
    call.report(request.packet_for(&target).map(|_| ()))
}

/// `WdfRequestReuse`.
///
/// `STATUS_INVALID_PARAMETER` for parameters of another size or with flags that do not exist;
/// `STATUS_WDF_REQUEST_INVALID_STATE` for a packet of the driver's own, which only a request of
/// `WdfRequestCreateFromIrp` takes.
pub(crate) fn reuse(
    call: &Call,
    request: WDFREQUEST,
    parameters: PWDF_REQUEST_REUSE_PARAMS,
) -> NTSTATUS {
    let request = held(call, request);
    require_back(call, request);
    let parameters = call.read(parameters);
    let sets_packet = ReuseFlags::WDF_REQUEST_REUSE_SET_NEW_IRP.cast_unsigned();
    if parameters.Size as usize != size_of::<WDF_REQUEST_REUSE_PARAMS>()
        || parameters.Flags & !sets_packet != 0
    {
        return STATUS_INVALID_PARAMETER;
    }
    if parameters.Flags != 0 {
        return STATUS_WDF_REQUEST_INVALID_STATE;
    }
    request.renew(parameters.Status);
    STATUS_SUCCESS
}

/// `WdfRequestFormatRequestUsingCurrentType`.
pub(crate) fn format_using_current_type(call: &Call, request: WDFREQUEST) {
    let (request, irp) = owned(call, request);
    require_back(call, request);
    request.sending.release(Some(irp));
    irp.copy_to_next();
    request.sending.is_formatted.set(true);
}

/// `WdfRequestSetCompletionRoutine`.
pub(crate) fn set_completion_routine(
    call: &Call,
    request: WDFREQUEST,
    evt_completion: PFN_WDF_REQUEST_COMPLETION_ROUTINE,
    context: WDFCONTEXT,
) {
    let request = held(call, request);
    require_back(call, request);
    request.sending.evt_completion.set(evt_completion);
    request.sending.context.set(context);
}

/// `WdfRequestSend`: whether the request was sent. If not, its status says why.
pub(crate) fn send(
    call: &Call,
    request: WDFREQUEST,
    target: WDFIOTARGET,
    options: PWDF_REQUEST_SEND_OPTIONS,
) -> BOOLEAN {
    let request = held(call, request);
    let target = call.object::<Target>(target);
    require_back(call, request);
    if request.is_cancelable() {
        refuse_cancelable(call, request);
    }
    let sent = Options::read(call, options)
        // The function has one status for all options that it refuses.
        .map_err(|_| STATUS_INVALID_PARAMETER)
        .and_then(|options| send_as(call, request, target, options));
    if let (Err(status), Some(irp)) = (sent, request.irp.get()) {
        irp.set_status(status);
    }
    sent.is_ok().into()
}

/// `STATUS_INVALID_DEVICE_STATE` to forget a request of the driver's own, and `STATUS_INVALID_DEVICE_REQUEST` to
/// forget one with buffers, or one that came to the driver without its learning of the end; as
/// [`Ref::<Request>::send`].
fn send_as(
    call: &Call,
    request: Ref<Request>,
    target: Ref<Target>,
    options: Options,
) -> Result<(), NTSTATUS> {
    if options.flags & FORGET != 0 {
        if request.is_of_driver() {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        if request.sending.has_buffers() {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        }
        let irp = request.irp.get().ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
        complete::forget(call, request, irp, target.device()?);
        return Ok(());
    }
    if !request.sending.is_formatted.get() {
        refuse!(
            call,
            Request,
            [NOT_FORMATTED, request.handle().addr()],
            "the request is not formatted for a target"
        );
    }
    if options.flags & WAIT != 0 {
        call.require_passive();
        return request.send_and_wait(target, options).map(|_| ());
    }
    if request.sending.evt_completion.get().is_none() && !request.is_of_driver() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    request.send(target, options, None)
}

/// `WdfRequestCancelSentRequest`: whether the driver that has the request was asked to cancel it.
pub(crate) fn cancel_sent(call: &Call, request: WDFREQUEST) -> BOOLEAN {
    call.object::<Request>(request).cancel_sent().into()
}

/// `WdfRequestGetCompletionParams`.
pub(crate) fn get_completion_params(
    call: &Call,
    request: WDFREQUEST,
    parameters: PWDF_REQUEST_COMPLETION_PARAMS,
) {
    let (request, irp) = live(call, request);
    let given = call.read(parameters);
    call.require_size::<WDF_REQUEST_COMPLETION_PARAMS>(given.Size);
    call.write(parameters, request.sending.params(irp));
}
