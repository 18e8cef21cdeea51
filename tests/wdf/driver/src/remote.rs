//! Requests to a target that the driver opens: its own device.

use crate::{
    NONPAGED_POOL_NX, check,
    codes::{
        CLOSE_TARGET, EMPTY_NAME, EXISTING_DEVICE, FEW_LOCATIONS, FORGOTTEN, KEEP, LEVEL,
        OPEN_TARGET, REOPEN_TARGET, REVERSE, TARGET_CANCEL, TARGET_KEEP, TARGET_LATER,
        TARGET_LEVEL, TARGET_LIMIT, TARGET_LIMIT_LATER, TARGET_REVERSE, TARGET_STATE,
        TARGET_TRANSFER, TOO_MANY_BYTES,
    },
    entry::attributes,
    opened::{empty_name, existing_device, open, reopen, target},
    requests::make,
    send::came_back,
    sized, status_of, succeed_if, wdf,
};
use core::{ffi::c_void, ptr::null_mut};
use wdk_sys::{
    _WDF_MEMORY_DESCRIPTOR_TYPE as DescriptorType, _WDF_REQUEST_SEND_OPTIONS_FLAGS as SendFlags,
    LONGLONG, NTSTATUS, PVOID, PWDF_REQUEST_COMPLETION_PARAMS, STATUS_CANCELLED, STATUS_SUCCESS,
    STATUS_UNSUCCESSFUL, ULONG, ULONG_PTR, WDF_MEMORY_DESCRIPTOR, WDF_REQUEST_REUSE_PARAMS,
    WDF_REQUEST_SEND_OPTIONS, WDFCONTEXT, WDFDEVICE, WDFIOTARGET, WDFMEMORY, WDFMEMORY_OFFSET,
    WDFREQUEST,
};

/// What is sent to and fro.
const BYTES: [u8; 4] = *b"abcd";
const BACKWARDS: [u8; 4] = *b"dcba";
const LENGTH: ULONG = 4;
/// 100 ms, in units of 100 ns from now on.
const LIMIT: LONGLONG = -1_000_000;

/// Carries out a request. Those whose completion routine ends it are not back yet.
pub fn control(device: WDFDEVICE, request: WDFREQUEST, code: ULONG) {
    let result = match code {
        OPEN_TARGET => open(device),
        CLOSE_TARGET => {
            wdf!(WdfIoTargetClose, target());
            Ok(())
        }
        REOPEN_TARGET => {
            wdf!(WdfIoTargetClose, target());
            reopen(target())
        }
        TARGET_STATE => {
            let state = wdf!(WdfIoTargetGetState, target());
            let state = ULONG_PTR::from(state.unsigned_abs());
            wdf!(
                WdfRequestCompleteWithInformation,
                request,
                STATUS_SUCCESS,
                state
            );
            return;
        }
        TARGET_LEVEL => control_and_wait(LEVEL, 0),
        TARGET_LIMIT => control_and_wait(KEEP, LIMIT),
        TARGET_REVERSE => reversed(device),
        TARGET_TRANSFER => transferred(),
        TARGET_LATER => return end_if_failed(request, send_later(request, REVERSE, 0)),
        TARGET_LIMIT_LATER => return end_if_failed(request, send_later(request, KEEP, LIMIT)),
        TARGET_KEEP => return end_if_failed(request, send_later(request, KEEP, 0)),
        TARGET_CANCEL => cancelled(),
        EXISTING_DEVICE => existing_device(device),
        EMPTY_NAME => empty_name(device),
        TOO_MANY_BYTES => too_many_bytes(),
        FEW_LOCATIONS => {
            memory(device.cast()).and_then(|(memory, _)| format(request, REVERSE, memory, 4))
        }
        FORGOTTEN => forgotten(),
        _ => Err(STATUS_UNSUCCESSFUL),
    };
    wdf!(WdfRequestComplete, request, status_of(result));
}

/// Ends a request whose completion routine will not.
fn end_if_failed(request: WDFREQUEST, sent: Result<(), NTSTATUS>) {
    if let Err(status) = sent {
        wdf!(WdfRequestComplete, request, status);
    }
}

/// Returns options with these flags, and a time limit if it is not 0.
fn options(flags: i32, limit: LONGLONG) -> WDF_REQUEST_SEND_OPTIONS {
    let limited = match limit {
        0 => 0,
        _ => SendFlags::WDF_REQUEST_SEND_OPTION_TIMEOUT,
    };
    let mut options = sized!(WDF_REQUEST_SEND_OPTIONS { Timeout: limit });
    options.Flags = (flags | limited).cast_unsigned();
    options
}

const WAIT: i32 = SendFlags::WDF_REQUEST_SEND_OPTION_SYNCHRONOUS;
const FORGET: i32 = SendFlags::WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET;

/// Sends a device control without buffers.
fn control_and_wait(code: ULONG, limit: LONGLONG) -> Result<(), NTSTATUS> {
    let mut options = options(WAIT, limit);
    check(wdf!(
        WdfIoTargetSendIoctlSynchronously,
        target(),
        null_mut(),
        code,
        null_mut(),
        null_mut(),
        &raw mut options,
        null_mut()
    ))
}

/// Describes bytes of the driver's.
fn described(bytes: &mut [u8; 4]) -> WDF_MEMORY_DESCRIPTOR {
    let mut descriptor = WDF_MEMORY_DESCRIPTOR {
        Type: DescriptorType::WdfMemoryDescriptorTypeBuffer,
        ..WDF_MEMORY_DESCRIPTOR::default()
    };
    descriptor.u.BufferType.Buffer = bytes.as_mut_ptr().cast();
    descriptor.u.BufferType.Length = LENGTH;
    descriptor
}

/// Makes a memory object of 8 bytes, and returns its buffer.
fn memory(parent: *mut c_void) -> Result<(WDFMEMORY, *mut [[u8; 4]; 2]), NTSTATUS> {
    let mut attributes = attributes();
    attributes.ParentObject = parent;
    let attributes = &raw mut attributes;
    let mut buffer: PVOID = null_mut();
    let memory = make(|memory| {
        wdf!(
            WdfMemoryCreate,
            attributes,
            NONPAGED_POOL_NX,
            0,
            8,
            memory,
            &raw mut buffer
        )
    })?;
    Ok((memory, buffer.cast()))
}

/// Sends bytes from a buffer, and takes them back in the second half of a memory object.
fn reversed(device: WDFDEVICE) -> Result<(), NTSTATUS> {
    let mut bytes = BYTES;
    let mut input = described(&mut bytes);
    let (memory, buffer) = memory(device.cast())?;
    let mut part = WDFMEMORY_OFFSET {
        BufferOffset: 4,
        BufferLength: 4,
    };
    let mut output = WDF_MEMORY_DESCRIPTOR {
        Type: DescriptorType::WdfMemoryDescriptorTypeHandle,
        ..WDF_MEMORY_DESCRIPTOR::default()
    };
    output.u.HandleType.Memory = memory;
    output.u.HandleType.Offsets = &raw mut part;
    let mut returned: ULONG_PTR = 0;
    let sent = check(wdf!(
        WdfIoTargetSendIoctlSynchronously,
        target(),
        null_mut(),
        REVERSE,
        &raw mut input,
        &raw mut output,
        null_mut(),
        &raw mut returned
    ));
    // SAFETY: the buffer of a memory object that exists.
    let [_, half] = unsafe { buffer.read() };
    wdf!(WdfObjectDelete, memory.cast());
    sent?;
    succeed_if(returned == 4 && half == BACKWARDS)
}

fn transferred() -> Result<(), NTSTATUS> {
    let (mut written, mut read) = (BYTES, [0; 4]);
    let (mut from, mut to) = (described(&mut written), described(&mut read));
    let mut count: ULONG_PTR = 0;
    check(wdf!(
        WdfIoTargetSendWriteSynchronously,
        target(),
        null_mut(),
        &raw mut from,
        null_mut(),
        null_mut(),
        &raw mut count
    ))?;
    succeed_if(count == 4)?;
    check(wdf!(
        WdfIoTargetSendReadSynchronously,
        target(),
        null_mut(),
        &raw mut to,
        null_mut(),
        null_mut(),
        &raw mut count
    ))?;
    succeed_if(count == 4 && read == BYTES)
}

/// Makes a request of the driver's.
fn new_request() -> Result<WDFREQUEST, NTSTATUS> {
    make(|request| wdf!(WdfRequestCreate, null_mut(), target(), request))
}

/// Formats a request for a device control with a part of a memory object as its input and output.
fn format(
    request: WDFREQUEST,
    code: ULONG,
    memory: WDFMEMORY,
    length: usize,
) -> Result<(), NTSTATUS> {
    let mut part = WDFMEMORY_OFFSET {
        BufferOffset: 4,
        BufferLength: length,
    };
    check(wdf!(
        WdfIoTargetFormatRequestForIoctl,
        target(),
        request,
        code,
        memory,
        &raw mut part,
        memory,
        &raw mut part
    ))
}

/// Sends a device control in a request of the driver's, whose completion routine ends `original`.
fn send_later(original: WDFREQUEST, code: ULONG, limit: LONGLONG) -> Result<(), NTSTATUS> {
    let request = new_request()?;
    let sent = memory(request.cast()).and_then(|(memory, buffer)| {
        // SAFETY: the buffer of a memory object that exists.
        unsafe { buffer.write([[0; 4], BYTES]) };
        format(request, code, memory, 4)?;
        wdf!(
            WdfRequestSetCompletionRoutine,
            request,
            Some(completion),
            original.cast()
        );
        send(request, options(0, limit))
    });
    if sent.is_err() {
        wdf!(WdfObjectDelete, request.cast());
    }
    sent
}

fn send(request: WDFREQUEST, mut options: WDF_REQUEST_SEND_OPTIONS) -> Result<(), NTSTATUS> {
    if wdf!(WdfRequestSend, request, target(), &raw mut options) == 0 {
        return Err(wdf!(WdfRequestGetStatus, request));
    }
    Ok(())
}

/// Ends the request that the context is. A success has to have brought [`BACKWARDS`].
unsafe extern "C" fn completion(
    request: WDFREQUEST,
    target: WDFIOTARGET,
    params: PWDF_REQUEST_COMPLETION_PARAMS,
    context: WDFCONTEXT,
) {
    let (mut status, params) = came_back(request, params);
    // SAFETY: the request is a device control.
    let ioctl = unsafe { params.Parameters.Ioctl };
    let mut length = 0;
    let memory = ioctl.Output.Buffer;
    let buffer: *mut [[u8; 4]; 2] = wdf!(WdfMemoryGetBuffer, memory, &raw mut length).cast();
    // SAFETY: the buffer of a memory object that exists.
    let [_, half] = unsafe { buffer.read() };
    let has_come = half == BACKWARDS
        && (ioctl.IoControlCode, ioctl.Output.Length) == (REVERSE, 4)
        && (ioctl.Output.Offset, length) == (4, 8)
        && target == self::target();
    if status == STATUS_SUCCESS && !has_come {
        status = STATUS_UNSUCCESSFUL;
    }
    wdf!(WdfObjectDelete, request.cast());
    wdf!(WdfRequestComplete, context.cast(), status);
}

/// Cancels a request of the driver's, and sends it again for something else.
fn cancelled() -> Result<(), NTSTATUS> {
    let request = new_request()?;
    let result = cancel_and_reuse(request);
    wdf!(WdfObjectDelete, request.cast());
    result
}

fn cancel_and_reuse(request: WDFREQUEST) -> Result<(), NTSTATUS> {
    let (memory, _) = memory(request.cast())?;
    format(request, KEEP, memory, 4)?;
    send(request, options(0, 0))?;
    // The device's callback ends it at once.
    let has_asked = wdf!(WdfRequestCancelSentRequest, request) != 0;
    let status = wdf!(WdfRequestGetStatus, request);
    succeed_if(has_asked && status == STATUS_CANCELLED)?;
    let mut parameters = sized!(WDF_REQUEST_REUSE_PARAMS {
        Status: STATUS_SUCCESS,
    });
    check(wdf!(WdfRequestReuse, request, &raw mut parameters))?;
    format(request, LEVEL, memory, 4)?;
    send(request, options(WAIT, 0))?;
    check(wdf!(WdfRequestGetStatus, request))
}

fn too_many_bytes() -> Result<(), NTSTATUS> {
    let request = new_request()?;
    let formatted =
        memory(request.cast()).and_then(|(memory, _)| format(request, REVERSE, memory, 5));
    wdf!(WdfObjectDelete, request.cast());
    formatted
}

fn forgotten() -> Result<(), NTSTATUS> {
    let request = new_request()?;
    let sent = send(request, options(FORGET, 0));
    wdf!(WdfObjectDelete, request.cast());
    sent
}
