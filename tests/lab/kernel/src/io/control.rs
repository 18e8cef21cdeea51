//! Device control requests, as `NtDeviceIoControlFile` makes them.
//!
//! Source: "Buffer Descriptions for I/O Control Codes" and "Defining I/O Control Codes", Windows
//! driver documentation.

use alloc::vec::Vec;

use crate::call;
use crate::global::Global;
use crate::irql::PASSIVE_LEVEL;
use crate::memory::layout::user_limit;
use crate::memory::paging::Tables;
use crate::memory::user::{self, AccessKind};
use crate::memory::{PAGE, page_of};
use crate::nt::layout::{DeviceObject, FileObject, Irp, StackLocation, Structure, major};
use crate::object::handle::Handle;
use crate::object::{dereference, device, process};
use crate::pool::{self, Content, Owner};
use crate::raw;
use nt_status::NtStatus;

use super::completion::{self, Buffers};
use super::{Completion, KERNEL_MODE, Sent, USER_MODE, cancel, irp, mdl, referenced_file, send_at};

const METHOD_BUFFERED: u32 = 0;
const METHOD_IN_DIRECT: u32 = 1;
const METHOD_OUT_DIRECT: u32 = 2;

/// `IRP_BUFFERED_IO`, `IRP_DEALLOCATE_BUFFER` and `IRP_INPUT_OPERATION`.
pub(super) const BUFFERED_FLAGS: u32 = 0x10 | 0x20;
pub(super) const INPUT_OPERATION: u32 = 0x40;

/// The parameters of a device control request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control {
    pub(crate) code: u32,
    pub(crate) input: u64,
    pub(crate) input_length: u32,
    pub(crate) output: u64,
    pub(crate) output_length: u32,
    pub(crate) mode: u8,
    /// Whether it is cancelled before the driver sees it, as another thread can do.
    pub(crate) cancelled: bool,
    /// Whether its thread is ending, as another thread can arrange.
    pub(crate) thread_ends: bool,
    /// The IRQL of the request.
    pub(crate) level: u8,
}

/// Requests without buffers that were sent and not waited for.
static PENDING: Global<Vec<Option<(Sent, u64)>>> = Global::new(Vec::new());

/// Sends a request without buffers on a handle of the current process and returns its number for
/// [`finish`]. It holds a reference to the file object until then.
pub(crate) fn start(value: u64, code: u32) -> Result<u64, NtStatus> {
    let handle = referenced_file(value)?;
    let control = Control {
        code,
        input: 0,
        input_length: 0,
        output: 0,
        output_length: 0,
        mode: USER_MODE,
        cancelled: false,
        thread_ends: false,
        level: PASSIVE_LEVEL,
    };
    let (request, device) = describe_for(handle, control).inspect_err(|_| {
        dereference(handle.object);
    })?;
    call::set_system_thread(false);
    let sent = Sent::begin(control.level, request, device);
    call::set_system_thread(true);
    Ok(PENDING.with(|pending| {
        pending.push(Some((sent, handle.object)));
        pending.len() as u64 - 1
    }))
}

/// Returns the status of a request that was started: `STATUS_PENDING` as long as it has not ended.
pub(crate) fn finish(number: u64) -> Result<NtStatus, NtStatus> {
    let ended = PENDING.with(|pending| {
        let place = pending
            .get_mut(number as usize)
            .ok_or(NtStatus::INVALID_PARAMETER)?;
        let (sent, file) = place.as_ref().ok_or(NtStatus::INVALID_PARAMETER)?;
        let (completed, file) = (sent.take(), *file);
        if completed.is_some() {
            *place = None;
        }
        Ok((completed, file))
    })?;
    let (Some(completed), file) = ended else {
        return Ok(NtStatus::PENDING);
    };
    dereference(file);
    Ok(completed.status)
}

/// Sends a request on a handle of the current process. The request holds a reference to the file
/// object until it has ended.
pub(crate) fn device_control(value: u64, control: Control) -> Result<Completion, NtStatus> {
    let handle = referenced_file(value)?;
    let result = control_file(handle, control);
    dereference(handle.object);
    result
}

fn control_file(handle: Handle, control: Control) -> Result<Completion, NtStatus> {
    let (request, device) = describe_for(handle, control)?;
    if control.cancelled {
        cancel::cancel(request);
    }
    let send = || send_at(control.level, request, device);
    Ok(if control.thread_ends {
        process::while_thread_ends(send)
    } else {
        send()
    })
}

/// Makes a request for the file of a handle. Returns it and the device that it is to be sent to.
fn describe_for(handle: Handle, control: Control) -> Result<(Irp, DeviceObject), NtStatus> {
    // The code's access bits are FILE_READ_ACCESS and FILE_WRITE_ACCESS, which are file rights,
    // too. A kernel-mode requestor needs none.
    let required = control.code >> 14 & 3;
    if control.mode == USER_MODE && handle.access & required != required {
        return Err(NtStatus::ACCESS_DENIED);
    }
    let file = FileObject(handle.object);
    let device = device::top(DeviceObject(file.get(FileObject::DEVICE_OBJECT)));
    let request = irp::allocate(device, file, major::DEVICE_CONTROL, control.mode);
    let location = irp::next_location(request);
    location.set(StackLocation::OUTPUT_LENGTH, control.output_length);
    location.set(StackLocation::INPUT_LENGTH, control.input_length);
    location.set(StackLocation::CONTROL_CODE, control.code);
    if let Err(status) = describe(request, location, control) {
        completion::withdraw(request);
        return Err(status);
    }
    Ok((request, device))
}

/// Sets the buffers of a request by the code's method.
fn describe(request: Irp, location: StackLocation, control: Control) -> Result<(), NtStatus> {
    let (input, output) = (
        u64::from(control.input_length),
        u64::from(control.output_length),
    );
    match control.code & 3 {
        METHOD_BUFFERED => {
            if control.mode == USER_MODE {
                probe_for_write(control.output, output)?;
            }
            let length = input.max(output);
            if length == 0 {
                return Ok(());
            }
            let buffer = capture((control.input, input), length, control.mode)?;
            request.set(Irp::SYSTEM_BUFFER, buffer);
            request.set(Irp::USER_BUFFER, control.output);
            let mut flags = BUFFERED_FLAGS;
            if output > 0 {
                flags |= INPUT_OPERATION;
            }
            request.set(Irp::FLAGS, flags);
            completion::set_buffers(
                request,
                Buffers {
                    system: buffer,
                    output: if output > 0 { control.output } else { 0 },
                    mode: control.mode,
                },
            );
        }
        method @ (METHOD_IN_DIRECT | METHOD_OUT_DIRECT) => {
            let buffer = if input > 0 {
                let buffer = capture((control.input, input), input, control.mode)?;
                request.set(Irp::SYSTEM_BUFFER, buffer);
                request.set(Irp::FLAGS, BUFFERED_FLAGS);
                buffer
            } else {
                0
            };
            let operation = if method == METHOD_IN_DIRECT {
                mdl::LockOperation::Read
            } else {
                mdl::LockOperation::Write
            };
            let result = lock((control.output, output), control.mode, operation);
            match result {
                Ok(list) => request.set(Irp::MDL, list),
                Err(status) => {
                    if buffer != 0 {
                        pool::free(buffer, None);
                    }
                    return Err(status);
                }
            }
            completion::set_buffers(
                request,
                Buffers {
                    system: buffer,
                    mode: control.mode,
                    ..Buffers::default()
                },
            );
        }
        _ => {
            // METHOD_NEITHER: the caller's own addresses, not validated.
            location.set(StackLocation::TYPE3_INPUT_BUFFER, control.input);
            request.set(Irp::USER_BUFFER, control.output);
        }
    }
    Ok(())
}

/// Allocates a system buffer with the input. The bytes after the input are not initialised: a
/// driver that returns them returns a pattern.
pub(super) fn capture(
    (address, input): (u64, u64),
    length: u64,
    mode: u8,
) -> Result<u64, NtStatus> {
    let tag = u32::from_le_bytes(*b"IoSB");
    let buffer = pool::allocate(length, tag, Content::Uninitialized, Owner::Lab)
        .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
    // Kernel code may pass on a user's addresses.
    if mode == KERNEL_MODE && address >= user_limit() {
        raw::copy(address, buffer, input);
        return Ok(buffer);
    }
    match user::copy(address, buffer, input, AccessKind::Read) {
        Ok(()) => Ok(buffer),
        Err((status, _)) => {
            pool::free(buffer, None);
            Err(status)
        }
    }
}

/// Locks a direct buffer, an address and a length, and returns the address of its list; 0 for an empty
/// buffer.
pub(super) fn lock(
    (address, length): (u64, u64),
    mode: u8,
    operation: mdl::LockOperation,
) -> Result<u64, NtStatus> {
    if length == 0 {
        return Ok(0);
    }
    let list = mdl::allocate(address, length).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
    match mdl::lock(list, mode, operation) {
        Ok(()) => Ok(list.0),
        Err(status) => {
            mdl::free(list);
            Err(status)
        }
    }
}

/// Validates that user mode can write every page of a range.
pub(super) fn probe_for_write(address: u64, length: u64) -> Result<(), NtStatus> {
    if length == 0 {
        return Ok(());
    }
    let end = address
        .checked_add(length)
        .filter(|&end| end <= user_limit())
        .ok_or(NtStatus::ACCESS_VIOLATION)?;
    let mut at = address;
    while at < end {
        user::touch(Tables::current(), at, AccessKind::Write)?;
        at = page_of(at) + PAGE;
    }
    Ok(())
}
