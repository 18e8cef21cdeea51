//! IRPs from the I/O manager.
//!
//! Source: "Framework Request Objects", "Request Handlers", `EVT_WDF_IO_IN_CALLER_CONTEXT`,
//! `EVT_WDF_DEVICE_FILE_CREATE`.

use crate::{
    callback,
    device::{Device, pnp::requests, shutdown},
    file,
    nt::{device::DeviceObject, irp::Irp},
    object::{Ref, handle, handle_or_null},
    report::report,
    request::{Origin, Request, State, complete},
};
use core::{ptr::NonNull, sync::atomic::Ordering};
use wdk_sys::{
    IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL,
    IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_PNP, IRP_MJ_POWER, IRP_MJ_READ, IRP_MJ_SHUTDOWN,
    IRP_MJ_SYSTEM_CONTROL, IRP_MJ_WRITE, NTSTATUS, PDEVICE_OBJECT, PIRP, STATUS_ACCESS_DENIED,
    STATUS_FILE_CLOSED, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_DEVICE_STATE,
    STATUS_INVALID_PARAMETER, STATUS_NO_SUCH_DEVICE, STATUS_PENDING, STATUS_SUCCESS,
};

/// The dispatch routine for every major function.
///
/// # Safety
///
/// Called by the I/O manager, with a device object of a bound driver and a packet for it.
pub(crate) unsafe extern "C" fn dispatch(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let (Some(device), Some(irp)) = (NonNull::new(device), NonNull::new(irp)) else {
        return STATUS_INVALID_PARAMETER;
    };
    // SAFETY: the I/O manager's packet, which is the framework's from here to its completion.
    let irp = unsafe { Irp::new(irp) };
    // SAFETY: the I/O manager's device object, which it keeps during this call.
    let object = unsafe { DeviceObject::new(device) };
    let major = u32::from(irp.stack().major_function());
    let Some(device) = handle::find::<Device>(object.word()) else {
        // The driver has deleted the device. Handles to it can still be closed.
        return irp.complete_with(match major {
            IRP_MJ_CLEANUP | IRP_MJ_CLOSE => STATUS_SUCCESS,
            _ => STATUS_NO_SUCH_DEVICE,
        });
    };
    match major {
        // A filter's files are those of the device that it filters.
        IRP_MJ_CREATE | IRP_MJ_CLEANUP | IRP_MJ_CLOSE if device.passes_files() => device.pass(irp),
        IRP_MJ_CREATE => create(device, irp),
        IRP_MJ_CLEANUP => clean_up(device, irp),
        IRP_MJ_CLOSE => close(device, irp),
        IRP_MJ_READ | IRP_MJ_WRITE | IRP_MJ_DEVICE_CONTROL | IRP_MJ_INTERNAL_DEVICE_CONTROL
            if device.is_filter() && !device.serves(major) =>
        {
            device.pass(irp)
        }
        IRP_MJ_READ | IRP_MJ_WRITE | IRP_MJ_DEVICE_CONTROL | IRP_MJ_INTERNAL_DEVICE_CONTROL => {
            io(device, irp)
        }
        IRP_MJ_SHUTDOWN => shutdown::notify(device, irp),
        IRP_MJ_PNP => requests::plug_and_play(device, irp),
        // The device stays in its working state while it is started, so power asks nothing of it.
        IRP_MJ_POWER | IRP_MJ_SYSTEM_CONTROL => device.pass(irp),
        _ if device.is_filter() => device.pass(irp),
        _ => irp.complete_with(STATUS_INVALID_DEVICE_REQUEST),
    }
}

fn create(device: Ref<Device>, irp: Irp) -> NTSTATUS {
    if device.is_initializing() {
        return irp.complete_with(STATUS_NO_SUCH_DEVICE);
    }
    if device.exclusive && device.open_files.load(Ordering::Acquire) > 0 {
        return irp.complete_with(STATUS_ACCESS_DENIED);
    }
    let opened = irp
        .stack()
        .file_object()
        .map_or(Ok(None), |object| file::open(device, object));
    let file = match opened {
        Ok(file) => file,
        Err(status) => return irp.complete_with(status),
    };
    let evt_create = device.files.evt_create;
    if evt_create.is_none() {
        device.open_files.fetch_add(1, Ordering::AcqRel);
        return irp.complete_with(STATUS_SUCCESS);
    }
    let request = match Request::create(device, irp, file, State::Create) {
        Ok(request) => request,
        Err(status) => {
            if let Some(file) = file {
                file.any().delete();
            }
            return irp.complete_with(status);
        }
    };
    irp.stack().mark_pending();
    let file = handle_or_null(file);
    let (device, request) = (device.handle().cast(), request.handle().cast());
    callback::call!(evt_create, "EvtDeviceFileCreate", device, request, file);
    STATUS_PENDING
}

fn clean_up(device: Ref<Device>, irp: Irp) -> NTSTATUS {
    if let Some(file) = find_file(device, irp) {
        file::clean_up(file);
    }
    // What waits for the file waits in vain.
    if let Some(object) = irp.stack().file_object() {
        device.cancel_waiting_of(object);
    }
    irp.complete_with(STATUS_SUCCESS)
}

fn close(device: Ref<Device>, irp: Irp) -> NTSTATUS {
    let file = find_file(device, irp);
    // Without file objects, every close counts as that of an open file.
    if file.is_some() || device.files.optional {
        device.open_files.fetch_sub(1, Ordering::AcqRel);
    }
    if let Some(file) = file {
        file::close(file);
    }
    irp.complete_with(STATUS_SUCCESS)
}

fn find_file(device: Ref<Device>, irp: Irp) -> Option<Ref<file::File>> {
    let object = irp.stack().file_object()?;
    file::find(device, object)
}

fn io(device: Ref<Device>, irp: Irp) -> NTSTATUS {
    let file = find_file(device, irp);
    // A request without a file object is the driver's to refuse.
    let is_of_unknown_file = file.is_none() && irp.stack().file_object().is_some();
    if is_of_unknown_file && !device.files.optional {
        // A host that ignores the status of a create may send requests for the file.
        report!("a request for a file that was never opened, or has been closed, is refused");
        return irp.complete_with(STATUS_FILE_CLOSED);
    }
    let request = match Request::create(device, irp, file, State::CallerContext) {
        Ok(request) => request,
        Err(status) => return irp.complete_with(status),
    };
    irp.stack().mark_pending();
    let in_caller_context = device.in_caller_context;
    if in_caller_context.is_none() {
        enqueue(device, request);
        return STATUS_PENDING;
    }
    let any = request.any();
    any.reference();
    request.in_caller_context.store(true, Ordering::Release);
    let (device, handle) = (device.handle().cast(), request.handle().cast());
    callback::call!(in_caller_context, "EvtIoInCallerContext", device, handle);
    request.in_caller_context.store(false, Ordering::Release);
    any.release();
    STATUS_PENDING
}

/// Submits a request to the device's queues, as the framework does for drivers without
/// `EvtIoInCallerContext`.
fn enqueue(device: Ref<Device>, request: Ref<Request>) {
    let submitted = request.submit_to_device(device);
    if let Err(status) = submitted {
        // The status for a queue that accepts no requests ("Managing I/O Queues").
        let status = match status {
            STATUS_INVALID_DEVICE_REQUEST => status,
            _ => STATUS_INVALID_DEVICE_STATE,
        };
        complete::finish(request, status, 0, Origin::Framework);
    }
}
