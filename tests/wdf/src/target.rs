//! WDFIOTARGET: the next device in a device's stack, and requests that are sent there.
//!
//! Source: "Using I/O Targets", "Forwarding I/O Requests", `WdfRequestSend`.

use crate::{
    call::{Call, getters},
    callback,
    device::Device,
    nt::{device::DeviceObject, irp::Irp},
    object::{Class, Kind, Ref, handle, handle_or_null},
    report::refuse,
    request::{Request, complete, owned, refuse_cancelable},
};
use core::ptr::null_mut;
use wdk_sys::{
    _WDF_REQUEST_SEND_OPTIONS_FLAGS as SendFlags, BOOLEAN, NTSTATUS, PDEVICE_OBJECT,
    PFN_WDF_REQUEST_COMPLETION_ROUTINE, PIRP, PVOID, PWDF_REQUEST_COMPLETION_PARAMS,
    PWDF_REQUEST_SEND_OPTIONS, ULONG, WDF_REQUEST_COMPLETION_PARAMS, WDF_REQUEST_SEND_OPTIONS,
    WDF_REQUEST_TYPE, WDFCONTEXT, WDFDEVICE, WDFIOTARGET, WDFREQUEST,
};

/// The next device in a device's stack.
pub(crate) struct Target {
    device: Ref<Device>,
    pub(crate) object: DeviceObject,
}

impl Class for Target {
    const KIND: Kind = Kind::Target;

    /// It is deleted with its device.
    fn may_be_deleted(_this: Ref<Self>) -> bool {
        false
    }
}

impl Target {
    pub(crate) const fn new(device: Ref<Device>, object: DeviceObject) -> Self {
        Self { device, object }
    }
}

/// What the driver has asked for a request that it is going to send.
#[derive(Clone, Copy)]
pub(crate) struct Sending {
    /// Whether the next driver's stack location is to be a copy of this driver's.
    is_formatted: bool,
    evt_completion: PFN_WDF_REQUEST_COMPLETION_ROUTINE,
    context: WDFCONTEXT,
    target: Option<Ref<Target>>,
}

impl Sending {
    pub(crate) const NONE: Self = Self {
        is_formatted: false,
        evt_completion: None,
        context: null_mut(),
        target: None,
    };
}

fn change(request: Ref<Request>, change: impl FnOnce(&mut Sending)) {
    let mut sending = request.sending.get();
    change(&mut sending);
    request.sending.set(sending);
}

getters! {
    /// `WdfDeviceGetIoTarget`: null for a control device.
    of_device(Call::object::<Device>: WDFDEVICE => device) -> WDFIOTARGET
        = handle_or_null(device.target.get());
    /// `WdfIoTargetGetDevice`.
    get_device(Call::object::<Target>: WDFIOTARGET => target) -> WDFDEVICE
        = target.device.handle().cast();
    /// `WdfIoTargetWdmGetTargetDeviceObject`.
    wdm_get_target_device_object(Call::object::<Target>: WDFIOTARGET => target) -> PDEVICE_OBJECT
        = target.object.as_ptr();
}

/// `WdfRequestFormatRequestUsingCurrentType`.
pub(crate) fn format_using_current_type(call: &Call, request: WDFREQUEST) {
    let (request, _) = owned(call, request);
    change(request, |sending| sending.is_formatted = true);
}

/// `WdfRequestSetCompletionRoutine`.
pub(crate) fn set_completion_routine(
    call: &Call,
    request: WDFREQUEST,
    evt_completion: PFN_WDF_REQUEST_COMPLETION_ROUTINE,
    context: WDFCONTEXT,
) {
    let (request, _) = owned(call, request);
    change(request, |sending| {
        sending.evt_completion = evt_completion;
        sending.context = context;
    });
}

/// `WdfRequestSend`, to the next device in the stack: whether the request was sent. The options to wait for
/// it and to forget it are implemented, a timeout is not.
pub(crate) fn send(
    call: &Call,
    request: WDFREQUEST,
    target: WDFIOTARGET,
    options: PWDF_REQUEST_SEND_OPTIONS,
) -> BOOLEAN {
    let (request, irp) = owned(call, request);
    let target = call.object::<Target>(target);
    let flags = call.read_optional(options).map_or(0, |options| {
        call.require_size::<WDF_REQUEST_SEND_OPTIONS>(options.Size);
        options.Flags
    });
    let has = |flag: i32| flags & flag.cast_unsigned() != 0;
    if request.is_cancelable() {
        refuse_cancelable(call, request);
    }
    if has(SendFlags::WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET) {
        complete::forget(call, request, irp, target.object);
        return 1;
    }
    let sending = request.sending.get();
    if !sending.is_formatted {
        refuse!(
            call,
            Request,
            [1, request.handle().addr()],
            "the request is not formatted for a target"
        );
    }
    change(request, |sending| {
        sending.is_formatted = false;
        sending.target = Some(target);
    });
    if has(SendFlags::WDF_REQUEST_SEND_OPTION_SYNCHRONOUS) {
        call.require_passive();
        irp.send_and_wait(target.object);
    } else {
        request.any().reference();
        irp.send(target.object, Some(on_completed), request.handle());
    }
    1
}

/// The completion routine of a packet that a driver has sent: gives it back to the driver.
///
/// # Safety
///
/// Called by the I/O manager with the context that [`send`] gave.
unsafe extern "C" fn on_completed(_device: PDEVICE_OBJECT, _irp: PIRP, context: PVOID) -> NTSTATUS {
    if let Some(request) = handle::find::<Request>(context)
        && let Some(irp) = request.irp.get()
    {
        let sending = request.sending.get();
        change(request, |sending| sending.evt_completion = None);
        let target = handle_or_null(sending.target);
        let mut parameters = params(irp);
        let (evt_completion, handle) = (sending.evt_completion, request.handle().cast());
        callback::call!(
            evt_completion,
            "EvtRequestCompletion",
            handle,
            target,
            &raw mut parameters,
            sending.context
        );
        request.any().release();
    }
    Irp::KEPT
}

/// Returns what a completed packet tells.
fn params(irp: Irp) -> WDF_REQUEST_COMPLETION_PARAMS {
    #[expect(clippy::cast_possible_truncation, reason = "a small structure")]
    const SIZE: ULONG = size_of::<WDF_REQUEST_COMPLETION_PARAMS>() as ULONG;
    let mut params = WDF_REQUEST_COMPLETION_PARAMS {
        Size: SIZE,
        Type: WDF_REQUEST_TYPE::from(irp.stack().major_function()),
        ..WDF_REQUEST_COMPLETION_PARAMS::default()
    };
    params.IoStatus.Information = irp.information();
    params.IoStatus.__bindgen_anon_1.Status = irp.status();
    params
}

/// `WdfRequestGetCompletionParams`.
pub(crate) fn get_completion_params(
    call: &Call,
    request: WDFREQUEST,
    parameters: PWDF_REQUEST_COMPLETION_PARAMS,
) {
    let (_, irp) = owned(call, request);
    let given = call.read(parameters);
    call.require_size::<WDF_REQUEST_COMPLETION_PARAMS>(given.Size);
    call.write(parameters, params(irp));
}
