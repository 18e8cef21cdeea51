//! The buffers of a request: `WdfRequestRetrieveXxx`.
//!
//! Each function serves two entries of the table: `D` is [`INPUT`] or [`OUTPUT`].
//!
//! Source: "Accessing Data Buffers in Framework-Based Drivers", and the page of each function.
//! Every function refuses an empty buffer, and one shorter than the driver needs, with
//! `STATUS_BUFFER_TOO_SMALL`. It refuses a request of a type that has no such buffer, and a
//! user-mode request that is neither buffered nor direct, with `STATUS_INVALID_DEVICE_REQUEST`.

use super::{Request, owned};
use crate::{
    call::Call,
    memory::{self, Memory},
    nt::{
        KERNEL_MODE,
        irp::Irp,
        mdl::{self, OwnedMdl},
    },
    object::Ref,
};
use core::{
    mem::offset_of,
    ptr::{NonNull, null_mut},
    sync::atomic::Ordering,
};
use wdk_sys::{
    _WDF_DEVICE_IO_TYPE as IoType, IO_STACK_LOCATION, IRP_MJ_DEVICE_CONTROL,
    IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ, IRP_MJ_WRITE, METHOD_BUFFERED, METHOD_NEITHER,
    NTSTATUS, PMDL, PVOID, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS,
    ULONG, WDFMEMORY, WDFREQUEST,
};

/// The caller's input, and its index in the arrays of a request.
pub(crate) const INPUT: usize = 0;
/// The caller's output, and its index in the arrays of a request.
pub(crate) const OUTPUT: usize = 1;

/// How the driver reaches a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    /// In the system buffer.
    Buffered,
    /// Through the packet's memory descriptor list.
    Direct,
    /// At the caller's own address.
    Neither,
}

/// A buffer of a request.
#[derive(Clone, Copy)]
struct Buffer<const D: usize> {
    method: Method,
    /// In bytes, never zero.
    length: ULONG,
}

/// The bits of a control code that name the method of its buffers.
pub(crate) const METHOD_MASK: u32 = 3;

/// Returns the method of a buffer.
///
/// `STATUS_INVALID_DEVICE_REQUEST` if requests of this type have no such buffer.
fn method<const D: usize>(request: &Request, irp: Irp) -> Result<Method, NTSTATUS> {
    let stack = irp.stack();
    match (u32::from(stack.major_function()), D) {
        (IRP_MJ_DEVICE_CONTROL | IRP_MJ_INTERNAL_DEVICE_CONTROL, _) => {
            Ok(match (stack.io_control_code() & METHOD_MASK, D) {
                (METHOD_NEITHER, _) => Method::Neither,
                (METHOD_BUFFERED, _) | (_, INPUT) => Method::Buffered,
                _ => Method::Direct,
            })
        }
        (IRP_MJ_READ, OUTPUT) | (IRP_MJ_WRITE, INPUT) => {
            let device = request.device.ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
            Ok(match device.io_types.read_write {
                IoType::WdfDeviceIoBuffered => Method::Buffered,
                IoType::WdfDeviceIoDirect => Method::Direct,
                _ => Method::Neither,
            })
        }
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

const fn length<const D: usize>(irp: Irp) -> ULONG {
    if D == INPUT {
        irp.stack().input_length()
    } else {
        irp.stack().output_length()
    }
}

/// Returns a buffer of a request, validated.
///
/// `STATUS_INVALID_DEVICE_REQUEST`, `STATUS_BUFFER_TOO_SMALL`.
fn find<const D: usize>(request: &Request, irp: Irp) -> Result<Buffer<D>, NTSTATUS> {
    let method = method::<D>(request, irp)?;
    let length = length::<D>(irp);
    if length == 0 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    // An internal device control comes from a driver, whatever the mode of its sender.
    let is_internal = u32::from(irp.stack().major_function()) == IRP_MJ_INTERNAL_DEVICE_CONTROL;
    if method == Method::Neither && irp.requestor_mode() != KERNEL_MODE && !is_internal {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    Ok(Buffer { method, length })
}

/// Returns the caller's own address of a buffer.
fn callers_address<const D: usize>(irp: Irp) -> PVOID {
    let is_control = matches!(
        u32::from(irp.stack().major_function()),
        IRP_MJ_DEVICE_CONTROL | IRP_MJ_INTERNAL_DEVICE_CONTROL
    );
    if D == INPUT && is_control {
        irp.stack().parameter(offset_of!(
            IO_STACK_LOCATION,
            Parameters.DeviceIoControl.Type3InputBuffer
        ))
    } else {
        irp.user_buffer()
    }
}

impl<const D: usize> Buffer<D> {
    /// Returns where the driver finds the buffer.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if it can't be mapped; `STATUS_INVALID_DEVICE_REQUEST` if
    /// the packet has no list.
    fn address(self, irp: Irp) -> Result<PVOID, NTSTATUS> {
        match self.method {
            Method::Buffered => Ok(irp.system_buffer()),
            Method::Neither => Ok(callers_address::<D>(irp)),
            Method::Direct => NonNull::new(irp.mdl())
                .ok_or(STATUS_INVALID_DEVICE_REQUEST)
                .and_then(mdl::system_address),
        }
    }
}

/// Writes the address and length of a buffer to the driver's variables: null and 0 after an error.
fn deliver(
    call: &Call,
    found: Result<(PVOID, ULONG), NTSTATUS>,
    buffer: *mut PVOID,
    length: *mut usize,
) -> NTSTATUS {
    let (address, size) = found.unwrap_or((null_mut(), 0));
    call.write(buffer, address);
    call.write_optional(length, size as usize);
    found.err().unwrap_or(STATUS_SUCCESS)
}

/// `WdfRequestRetrieveInputBuffer` and `WdfRequestRetrieveOutputBuffer`.
pub(crate) fn retrieve_buffer<const D: usize>(
    call: &Call,
    request: WDFREQUEST,
    minimum: usize,
    buffer: *mut PVOID,
    length: *mut usize,
) -> NTSTATUS {
    let (request, irp) = owned(call, request);
    let found = find::<D>(&request, irp).and_then(|found| {
        if (found.length as usize) < minimum {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        Ok((found.address(irp)?, found.length))
    });
    deliver(call, found, buffer, length)
}

/// `WdfRequestRetrieveUnsafeUserInputBuffer` and `WdfRequestRetrieveUnsafeUserOutputBuffer`: within
/// `EvtIoInCallerContext` alone, and for requests that are neither buffered nor direct; else
/// `STATUS_INVALID_DEVICE_REQUEST`.
pub(crate) fn retrieve_unsafe_user_buffer<const D: usize>(
    call: &Call,
    request: WDFREQUEST,
    minimum: usize,
    buffer: *mut PVOID,
    length: *mut usize,
) -> NTSTATUS {
    call.require_passive();
    let (request, irp) = owned(call, request);
    let is_in_context = request.in_caller_context.load(Ordering::Acquire);
    let found = match method::<D>(&request, irp) {
        Ok(Method::Neither) if is_in_context => match self::length::<D>(irp) {
            length if (length as usize) < minimum => Err(STATUS_BUFFER_TOO_SMALL),
            length => Ok((callers_address::<D>(irp), length)),
        },
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    };
    deliver(call, found, buffer, length)
}

/// `WdfRequestRetrieveInputMemory` and `WdfRequestRetrieveOutputMemory`: the same memory object at
/// every call.
pub(crate) fn retrieve_memory<const D: usize>(
    call: &Call,
    request: WDFREQUEST,
    memory: *mut WDFMEMORY,
) -> NTSTATUS {
    call.deliver(memory, || {
        let (request, irp) = owned(call, request);
        let kept: &core::cell::Cell<Option<Ref<Memory>>> = &request.memory[D];
        if let Some(memory) = kept.get() {
            return Ok(memory);
        }
        let buffer = find::<D>(&request, irp)?;
        let memory =
            memory::of_request(request, buffer.address(irp)?, buffer.length as usize, None)?;
        kept.set(Some(memory));
        Ok(memory)
    })
}

/// Returns the list of a buffer: the packet's, or one made for its system buffer. Input and output in one
/// system buffer have one list, of the length that was asked for first.
fn mdl<const D: usize>(call: &Call, request: WDFREQUEST) -> Result<PMDL, NTSTATUS> {
    let (request, irp) = owned(call, request);
    let buffer = find::<D>(&request, irp)?;
    if buffer.method == Method::Direct {
        return Ok(irp.mdl());
    }
    let list = match request.mdl.take() {
        Some(list) => list,
        None => OwnedMdl::of_nonpaged(buffer.address(irp)?, buffer.length)?,
    };
    let pointer = list.as_ptr();
    request.mdl.set(Some(list));
    Ok(pointer)
}

/// `WdfRequestRetrieveInputWdmMdl` and `WdfRequestRetrieveOutputWdmMdl`.
pub(crate) fn retrieve_wdm_mdl<const D: usize>(
    call: &Call,
    request: WDFREQUEST,
    mdl: *mut PMDL,
) -> NTSTATUS {
    let found = self::mdl::<D>(call, request);
    call.write(mdl, found.unwrap_or(null_mut()));
    found.err().unwrap_or(STATUS_SUCCESS)
}
