//! The end of a request.

use super::{Origin, Request, State, live, refuse_cancelable, refuse_foreign};
use crate::{
    call::Call,
    io_target::functions::require_back,
    nt::{device::DeviceObject, irp::Irp},
    object::Ref,
    report::refuse,
    status::{STATUS_WDF_BUSY, STATUS_WDF_INTERNAL_ERROR, STATUS_WDF_PAUSED},
};
use core::{cell::Cell, sync::atomic::Ordering};
use wdk_sys::{
    CCHAR, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ,
    IRP_MJ_WRITE, NTSTATUS, STATUS_DEVICE_BUSY, STATUS_INTERNAL_ERROR,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_PENDING, ULONG_PTR, WDFREQUEST,
};

/// The first status that is an error: the I/O manager copies no output for those (`NT_ERROR`).
const FIRST_ERROR: u32 = 0xC000_0000;

/// Completes a request for the driver. Without `information`, the packet keeps its own.
fn complete(
    call: &Call,
    handle: WDFREQUEST,
    status: NTSTATUS,
    information: Option<ULONG_PTR>,
    priority_boost: CCHAR,
) {
    let status = translate(status);
    let (request, irp) = live(call, handle);
    if status == STATUS_PENDING {
        refuse!(
            call,
            Parameter,
            [request.handle().addr(), status.cast_unsigned() as usize],
            "STATUS_PENDING completes nothing"
        );
    }
    require_back(call, request);
    let origin = take_from_driver(call, request);
    if irp.set_cancel_routine(None) {
        refuse_cancelable(call, request);
    }
    let information = information.unwrap_or_else(|| irp.information());
    check_information(call, request, irp, status, information);
    check_memory(call, request);
    irp.set_information(information);
    end(request, irp, status, priority_boost, origin);
}

/// Ends the driver's use of a request. Returns where the driver had it from.
fn take_from_driver(call: &Call, request: Ref<Request>) -> Origin {
    let Some(state) = request.take_from_driver() else {
        refuse_foreign(call.name(), request);
    };
    match (state, request.queue.get()) {
        (State::Owned, Some(queue)) => Origin::Queue(queue),
        _ => Origin::Driver,
    }
}

/// Returns the status that a request is completed with: a code of the framework's own means nothing to a
/// sender, and becomes one of the system's.
const fn translate(status: NTSTATUS) -> NTSTATUS {
    if status.cast_unsigned() & FACILITY_MASK != FRAMEWORK_FACILITY {
        return status;
    }
    match status {
        STATUS_WDF_PAUSED | STATUS_WDF_BUSY => STATUS_DEVICE_BUSY,
        STATUS_WDF_INTERNAL_ERROR => STATUS_INTERNAL_ERROR,
        _ => STATUS_INVALID_DEVICE_REQUEST,
    }
}

/// The bits of a status that name its facility, and the framework's.
const FACILITY_MASK: u32 = 0x0FFF_0000;
const FRAMEWORK_FACILITY: u32 = 0x0020_0000;

/// Ends a request that the driver does not complete itself.
pub(crate) fn finish(
    request: Ref<Request>,
    status: NTSTATUS,
    information: ULONG_PTR,
    origin: Origin,
) {
    if let Some(irp) = request.irp.get() {
        irp.set_information(information);
        end(request, irp, status, 0, origin);
    }
}

/// Gives the packet back.
fn end(request: Ref<Request>, irp: Irp, status: NTSTATUS, priority_boost: CCHAR, origin: Origin) {
    request.set_state(State::Completed);
    if u32::from(irp.stack().major_function()) == IRP_MJ_CREATE {
        end_create(request, status);
    }
    irp.set_status(status);
    part_with(request, origin, || irp.complete(priority_boost));
}

/// Cleans the request up, which unlocks what the driver locked for it, and then lets a function give the
/// packet away.
fn part_with(request: Ref<Request>, origin: Origin, give_away: impl FnOnce()) {
    let condemned = request.any().condemn();
    request.irp.set(None);
    give_away();
    if let Origin::Queue(queue) = origin {
        // While the handler runs, the thread that called it presents the next request.
        queue.disown(request);
        if !request.in_handler.load(Ordering::SeqCst) {
            queue.present_waiting();
        }
    }
    if let Some(condemned) = condemned {
        condemned.release();
    }
}

/// Passes a request on to a lower device, whose completion ends it without the driver.
pub(crate) fn forget(call: &Call, request: Ref<Request>, irp: Irp, lower: DeviceObject) {
    let origin = take_from_driver(call, request);
    part_with(request, origin, || {
        irp.pass_to(lower);
    });
}

/// Counts an open file if its create succeeded. After a failure, neither clean-up nor close comes.
fn end_create(request: Ref<Request>, status: NTSTATUS) {
    if status >= 0 {
        if let Some(device) = request.device {
            device.open_files.fetch_add(1, Ordering::AcqRel);
        }
    } else if let Some(file) = request.file {
        file.any().delete();
    }
}

/// `WDF_REQUEST_FATAL_ERROR_INFORMATION_LENGTH_MISMATCH_DATA`: what parameter 3 of the bugcheck
/// points to.
#[repr(C)]
struct InformationLengthMismatch {
    request: *mut core::ffi::c_void,
    irp: *mut wdk_sys::IRP,
    output_buffer_length: u32,
    information: ULONG_PTR,
    major_function: u8,
}

const _: () = assert!(size_of::<InformationLengthMismatch>() == 40);

/// `WDF_REQUEST_FATAL_ERROR`: more bytes were written than the buffer holds.
const INFORMATION_LENGTH_MISMATCH: usize = 0x4;

/// Refuses more information than the buffer has bytes: the I/O manager would copy that many to the
/// caller.
fn check_information(
    call: &Call,
    request: Ref<Request>,
    irp: Irp,
    status: NTSTATUS,
    information: ULONG_PTR,
) {
    let stack = irp.stack();
    let length = match u32::from(stack.major_function()) {
        IRP_MJ_READ | IRP_MJ_DEVICE_CONTROL | IRP_MJ_INTERNAL_DEVICE_CONTROL => {
            stack.output_length()
        }
        IRP_MJ_WRITE => stack.input_length(),
        _ => return,
    };
    if status.cast_unsigned() >= FIRST_ERROR || information <= ULONG_PTR::from(length) {
        return;
    }
    let data = InformationLengthMismatch {
        request: request.handle(),
        irp: irp.as_ptr(),
        output_buffer_length: length,
        information,
        major_function: stack.major_function(),
    };
    refuse!(
        call,
        Request,
        [INFORMATION_LENGTH_MISMATCH, (&raw const data).addr()],
        "{information} bytes of information for a buffer of {length}"
    );
}

/// Refuses references to the request's memory objects, which are freed together with it.
fn check_memory(call: &Call, request: Ref<Request>) {
    let references: u32 = request
        .memory
        .iter()
        .filter_map(Cell::get)
        .map(|memory| memory.any().references() - 1)
        .sum();
    if references != 0 {
        refuse!(
            call,
            RequestMemoryReferenced,
            [request.handle().addr(), references as usize],
            "{references} references to the request's memory objects are left"
        );
    }
}

/// `WdfRequestComplete`.
pub(crate) fn complete_request(call: &Call, request: WDFREQUEST, status: NTSTATUS) {
    complete(call, request, status, None, 0);
}

/// `WdfRequestCompleteWithInformation`.
pub(crate) fn complete_with_information(
    call: &Call,
    request: WDFREQUEST,
    status: NTSTATUS,
    information: ULONG_PTR,
) {
    complete(call, request, status, Some(information), 0);
}

/// `WdfRequestCompleteWithPriorityBoost`.
pub(crate) fn complete_with_priority_boost(
    call: &Call,
    request: WDFREQUEST,
    status: NTSTATUS,
    priority_boost: CCHAR,
) {
    complete(call, request, status, None, priority_boost);
}
