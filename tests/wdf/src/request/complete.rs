//! The end of a request.

use super::{Origin, Request, State, live, refuse_foreign};
use crate::{
    call::Call,
    nt::irp::Irp,
    object::Ref,
    report::{Violation, violation},
};
use core::{cell::Cell, sync::atomic::Ordering};
use wdk_sys::{
    CCHAR, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ,
    IRP_MJ_WRITE, NTSTATUS, PWDF_DRIVER_GLOBALS, STATUS_PENDING, ULONG_PTR, WDFREQUEST,
};

/// The first status that is an error: the I/O manager copies no output for those (`NT_ERROR`).
const FIRST_ERROR: u32 = 0xC000_0000;

/// What `WdfRequestCompleteXxx` does.
struct Completion {
    status: NTSTATUS,
    information: Option<ULONG_PTR>,
    priority_boost: CCHAR,
}

fn complete(call: &Call, handle: WDFREQUEST, completion: &Completion) {
    let (request, irp) = live(call, handle);
    if completion.status == STATUS_PENDING {
        violation(
            Violation::Parameter,
            request.handle().addr(),
            completion.status.cast_unsigned() as usize,
            format_args!("{}: STATUS_PENDING completes nothing", call.name()),
        );
    }
    let Some(state) = request.take_from_driver() else {
        refuse_foreign(call.name(), request);
    };
    if irp.set_cancel_routine(None) {
        violation(
            Violation::Queue,
            request.handle().addr(),
            0,
            format_args!(
                "{}: the request is cancelable; WdfRequestUnmarkCancelable comes first",
                call.name()
            ),
        );
    }
    let information = completion.information.unwrap_or_else(|| irp.information());
    check_information(call, request, irp, completion.status, information);
    check_memory(call, request);
    let origin = match (state, request.queue.get()) {
        (State::Owned, Some(queue)) => Origin::Queue(queue),
        _ => Origin::Driver,
    };
    irp.set_information(information);
    end(
        request,
        irp,
        completion.status,
        completion.priority_boost,
        origin,
    );
}

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

/// The clean-up of the request comes before the packet goes: what the driver has locked for it is
/// unlocked then.
fn end(request: Ref<Request>, irp: Irp, status: NTSTATUS, priority_boost: CCHAR, origin: Origin) {
    request.set_state(State::Completed);
    if u32::from(irp.stack().major_function()) == IRP_MJ_CREATE {
        end_create(request, status);
    }
    irp.set_status(status);
    let condemned = request.any().condemn();
    request.irp.set(None);
    irp.complete(priority_boost);
    if let Origin::Queue(queue) = origin {
        // The thread that called the handler presents what comes next, if the handler still runs.
        queue.disown();
        if !request.in_handler.load(Ordering::SeqCst) {
            queue.present_waiting();
        }
    }
    if let Some(condemned) = condemned {
        condemned.release();
    }
}

/// A file is open if its create succeeded; else neither clean-up nor close will come for it.
fn end_create(request: Ref<Request>, status: NTSTATUS) {
    if status >= 0 {
        request.device.open_files.fetch_add(1, Ordering::AcqRel);
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

/// `WDF_REQUEST_FATAL_ERROR`: more bytes were written than the packet has room for.
const INFORMATION_LENGTH_MISMATCH: usize = 0x4;

/// The I/O manager would copy as many bytes to the caller as the driver says it wrote.
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
    violation(
        Violation::Request,
        INFORMATION_LENGTH_MISMATCH,
        (&raw const data).addr(),
        format_args!(
            "{}: {information} bytes of information for a buffer of {length}",
            call.name()
        ),
    );
}

/// The memory objects of a request die with it: a reference to one would dangle.
fn check_memory(call: &Call, request: Ref<Request>) {
    let references: u32 = request
        .memory
        .iter()
        .filter_map(Cell::get)
        .map(|memory| memory.any().references() - 1)
        .sum();
    if references != 0 {
        violation(
            Violation::RequestMemoryReferenced,
            request.handle().addr(),
            references as usize,
            format_args!(
                "{}: {references} references to the request's memory objects are left",
                call.name()
            ),
        );
    }
}

/// `WdfRequestComplete`.
pub(crate) unsafe extern "C" fn complete_request(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    status: NTSTATUS,
) {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestComplete") };
    let completion = Completion {
        status,
        information: None,
        priority_boost: 0,
    };
    complete(&call, request, &completion);
}

/// `WdfRequestCompleteWithInformation`.
pub(crate) unsafe extern "C" fn complete_with_information(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    status: NTSTATUS,
    information: ULONG_PTR,
) {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestCompleteWithInformation") };
    let completion = Completion {
        status,
        information: Some(information),
        priority_boost: 0,
    };
    complete(&call, request, &completion);
}

/// `WdfRequestCompleteWithPriorityBoost`.
pub(crate) unsafe extern "C" fn complete_with_priority_boost(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    status: NTSTATUS,
    priority_boost: CCHAR,
) {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestCompleteWithPriorityBoost") };
    let completion = Completion {
        status,
        information: None,
        priority_boost,
    };
    complete(&call, request, &completion);
}
