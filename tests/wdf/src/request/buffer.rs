//! The buffers of a request: `WdfRequestRetrieveXxx`.
//!
//! Source: "Accessing Data Buffers in Framework-Based Drivers", and the page of each function. All
//! of them refuse an empty buffer, and one shorter than the driver needs, with
//! `STATUS_BUFFER_TOO_SMALL`; a request of a type that has no such buffer, or a user-mode request
//! that is neither buffered nor direct, with `STATUS_INVALID_DEVICE_REQUEST`.

use super::{Request, owned};
use crate::{
    call::Call,
    memory::{self, Memory},
    nt::{
        irp::Irp,
        mdl::{self, OwnedMdl},
    },
    object::Ref,
};
use core::{mem::offset_of, ptr::NonNull, sync::atomic::Ordering};
use wdk_sys::{
    _WDF_DEVICE_IO_TYPE as IoType, IO_STACK_LOCATION, IRP_MJ_DEVICE_CONTROL,
    IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ, IRP_MJ_WRITE, METHOD_BUFFERED, METHOD_NEITHER,
    NTSTATUS, PMDL, PVOID, PWDF_DRIVER_GLOBALS, STATUS_BUFFER_TOO_SMALL,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS, ULONG, WDFMEMORY, WDFREQUEST,
};

/// Which of the two buffers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Input,
    Output,
}

/// How the driver gets at a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transfer {
    /// In the system buffer.
    Buffered,
    /// Through the packet's memory descriptor list.
    Direct,
    /// At the caller's own address.
    Neither,
}

/// A buffer of a request.
#[derive(Clone, Copy)]
struct Buffer {
    direction: Direction,
    transfer: Transfer,
    /// In bytes, never zero.
    length: ULONG,
}

/// The bits of a control code that say how its buffers travel.
const METHOD_MASK: u32 = 3;

const KERNEL_MODE: i8 = 0;

/// How the buffer of a request travels.
///
/// # Errors
///
/// `STATUS_INVALID_DEVICE_REQUEST` if requests of this type have no such buffer.
fn transfer(request: &Request, irp: Irp, direction: Direction) -> Result<Transfer, NTSTATUS> {
    let stack = irp.stack();
    match (u32::from(stack.major_function()), direction) {
        (IRP_MJ_DEVICE_CONTROL | IRP_MJ_INTERNAL_DEVICE_CONTROL, direction) => {
            Ok(match (stack.io_control_code() & METHOD_MASK, direction) {
                (METHOD_NEITHER, _) => Transfer::Neither,
                (METHOD_BUFFERED, _) | (_, Direction::Input) => Transfer::Buffered,
                (_, Direction::Output) => Transfer::Direct,
            })
        }
        (IRP_MJ_READ, Direction::Output) | (IRP_MJ_WRITE, Direction::Input) => {
            Ok(match request.device.io_types.read_write {
                IoType::WdfDeviceIoBuffered => Transfer::Buffered,
                IoType::WdfDeviceIoDirect => Transfer::Direct,
                _ => Transfer::Neither,
            })
        }
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

/// The buffer of a request, judged.
///
/// # Errors
///
/// `STATUS_INVALID_DEVICE_REQUEST`, `STATUS_BUFFER_TOO_SMALL`.
fn find(request: &Request, irp: Irp, direction: Direction) -> Result<Buffer, NTSTATUS> {
    let transfer = transfer(request, irp, direction)?;
    if transfer == Transfer::Neither && irp.requestor_mode() != KERNEL_MODE {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let length = match direction {
        Direction::Input => irp.stack().input_length(),
        Direction::Output => irp.stack().output_length(),
    };
    if length == 0 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    Ok(Buffer {
        direction,
        transfer,
        length,
    })
}

/// The caller's own address of a buffer.
fn callers_address(irp: Irp, direction: Direction) -> PVOID {
    let is_control = matches!(
        u32::from(irp.stack().major_function()),
        IRP_MJ_DEVICE_CONTROL | IRP_MJ_INTERNAL_DEVICE_CONTROL
    );
    if direction == Direction::Input && is_control {
        irp.stack().parameter(offset_of!(
            IO_STACK_LOCATION,
            Parameters.DeviceIoControl.Type3InputBuffer
        ))
    } else {
        irp.user_buffer()
    }
}

/// Where the driver finds the buffer.
///
/// # Errors
///
/// `STATUS_INSUFFICIENT_RESOURCES` if it can't be mapped; `STATUS_INVALID_DEVICE_REQUEST` if the
/// packet has no list.
fn address(irp: Irp, buffer: Buffer) -> Result<PVOID, NTSTATUS> {
    match buffer.transfer {
        Transfer::Buffered => Ok(irp.system_buffer()),
        Transfer::Neither => Ok(callers_address(irp, buffer.direction)),
        Transfer::Direct => NonNull::new(irp.mdl())
            .ok_or(STATUS_INVALID_DEVICE_REQUEST)
            .and_then(mdl::system_address),
    }
}

fn retrieve(
    call: &Call,
    request: WDFREQUEST,
    minimum: usize,
    direction: Direction,
) -> Result<(PVOID, usize), NTSTATUS> {
    let (request, irp) = owned(call, request);
    let buffer = find(&request, irp, direction)?;
    if (buffer.length as usize) < minimum {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    Ok((address(irp, buffer)?, buffer.length as usize))
}

/// Writes what a function found to the driver's variables, and makes its status.
fn answer(
    call: &Call,
    found: Result<(PVOID, usize), NTSTATUS>,
    buffer: *mut PVOID,
    length: *mut usize,
) -> NTSTATUS {
    match found {
        Ok((address, size)) => {
            call.write(buffer, address);
            call.write_optional(length, size);
            STATUS_SUCCESS
        }
        Err(status) => {
            call.write(buffer, core::ptr::null_mut());
            call.write_optional(length, 0);
            status
        }
    }
}

/// `WdfRequestRetrieveInputBuffer`.
pub(crate) unsafe extern "C" fn retrieve_input_buffer(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    minimum: usize,
    buffer: *mut PVOID,
    length: *mut usize,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestRetrieveInputBuffer") };
    let found = retrieve(&call, request, minimum, Direction::Input);
    answer(&call, found, buffer, length)
}

/// `WdfRequestRetrieveOutputBuffer`.
pub(crate) unsafe extern "C" fn retrieve_output_buffer(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    minimum: usize,
    buffer: *mut PVOID,
    length: *mut usize,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestRetrieveOutputBuffer") };
    let found = retrieve(&call, request, minimum, Direction::Output);
    answer(&call, found, buffer, length)
}

fn retrieve_unsafe(
    call: &Call,
    request: WDFREQUEST,
    minimum: usize,
    direction: Direction,
) -> Result<(PVOID, usize), NTSTATUS> {
    let (request, irp) = owned(call, request);
    if !request.in_caller_context.load(Ordering::Acquire)
        || transfer(&request, irp, direction)? != Transfer::Neither
    {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let length = match direction {
        Direction::Input => irp.stack().input_length(),
        Direction::Output => irp.stack().output_length(),
    } as usize;
    if length < minimum {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    Ok((callers_address(irp, direction), length))
}

/// `WdfRequestRetrieveUnsafeUserInputBuffer`: within `EvtIoInCallerContext` alone, and for requests
/// that are neither buffered nor direct; `STATUS_INVALID_DEVICE_REQUEST` else.
pub(crate) unsafe extern "C" fn retrieve_unsafe_user_input_buffer(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    minimum: usize,
    buffer: *mut PVOID,
    length: *mut usize,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestRetrieveUnsafeUserInputBuffer") };
    call.require_passive();
    let found = retrieve_unsafe(&call, request, minimum, Direction::Input);
    answer(&call, found, buffer, length)
}

/// `WdfRequestRetrieveUnsafeUserOutputBuffer`: as the one for input.
pub(crate) unsafe extern "C" fn retrieve_unsafe_user_output_buffer(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    minimum: usize,
    buffer: *mut PVOID,
    length: *mut usize,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestRetrieveUnsafeUserOutputBuffer") };
    call.require_passive();
    let found = retrieve_unsafe(&call, request, minimum, Direction::Output);
    answer(&call, found, buffer, length)
}

/// The memory object for a buffer: the same one at every call.
fn retrieve_memory(
    call: &Call,
    request: WDFREQUEST,
    direction: Direction,
) -> Result<Ref<Memory>, NTSTATUS> {
    let (request, irp) = owned(call, request);
    let [input, output] = &request.memory;
    let place = match direction {
        Direction::Input => input,
        Direction::Output => output,
    };
    if let Some(memory) = place.get() {
        return Ok(memory);
    }
    let buffer = find(&request, irp, direction)?;
    let memory = memory::of_request(request, address(irp, buffer)?, buffer.length as usize)?;
    place.set(Some(memory));
    Ok(memory)
}

/// `WdfRequestRetrieveInputMemory`.
pub(crate) unsafe extern "C" fn retrieve_input_memory(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    memory: *mut WDFMEMORY,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestRetrieveInputMemory") };
    call.deliver(memory, || retrieve_memory(&call, request, Direction::Input))
}

/// `WdfRequestRetrieveOutputMemory`.
pub(crate) unsafe extern "C" fn retrieve_output_memory(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    memory: *mut WDFMEMORY,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestRetrieveOutputMemory") };
    call.deliver(memory, || {
        retrieve_memory(&call, request, Direction::Output)
    })
}

/// The list for a buffer: the packet's, or one made for its system buffer.
fn retrieve_mdl(call: &Call, request: WDFREQUEST, direction: Direction) -> Result<PMDL, NTSTATUS> {
    let (request, irp) = owned(call, request);
    let buffer = find(&request, irp, direction)?;
    if buffer.transfer == Transfer::Direct {
        return Ok(irp.mdl());
    }
    let [input, output] = &request.mdls;
    let place = match direction {
        Direction::Input => input,
        Direction::Output => output,
    };
    let list = match place.take() {
        Some(list) => list,
        None => OwnedMdl::of_nonpaged(address(irp, buffer)?, buffer.length)?,
    };
    let pointer = list.as_ptr();
    place.set(Some(list));
    Ok(pointer)
}

fn answer_mdl(call: &Call, found: Result<PMDL, NTSTATUS>, mdl: *mut PMDL) -> NTSTATUS {
    call.write(mdl, found.unwrap_or(core::ptr::null_mut()));
    found.err().unwrap_or(STATUS_SUCCESS)
}

/// `WdfRequestRetrieveInputWdmMdl`.
pub(crate) unsafe extern "C" fn retrieve_input_wdm_mdl(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    mdl: *mut PMDL,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestRetrieveInputWdmMdl") };
    let found = retrieve_mdl(&call, request, Direction::Input);
    answer_mdl(&call, found, mdl)
}

/// `WdfRequestRetrieveOutputWdmMdl`.
pub(crate) unsafe extern "C" fn retrieve_output_wdm_mdl(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    mdl: *mut PMDL,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestRetrieveOutputWdmMdl") };
    let found = retrieve_mdl(&call, request, Direction::Output);
    answer_mdl(&call, found, mdl)
}
