//! Reads and writes, as `NtReadFile` and `NtWriteFile` make them.
//!
//! Source: "Methods for Accessing Data Buffers", Windows driver documentation: the device's flags say how
//! the buffer is passed.

use crate::nt::layout::{DeviceObject, FileObject, Irp, StackLocation, Structure, major};
use crate::object::dereference;
use crate::object::device::{self, device_flags};
use crate::object::handle::Handle;
use nt_status::NtStatus;

use super::completion::{self, Buffers};
use super::control::{BUFFERED_FLAGS, INPUT_OPERATION, capture, lock, probe_for_write};
use super::{Completion, USER_MODE, irp, mdl, referenced_file, send};

/// `FILE_READ_DATA` and `FILE_WRITE_DATA`.
const READ_DATA: u32 = 1;
const WRITE_DATA: u32 = 2;

/// The parameters of a read or write of user mode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    pub(crate) is_write: bool,
    pub(crate) buffer: u64,
    pub(crate) length: u32,
    pub(crate) offset: u64,
}

/// Sends one on a handle of the current process.
pub(crate) fn transfer(value: u64, transfer: Transfer) -> Result<Completion, NtStatus> {
    let handle = referenced_file(value)?;
    let result = of_file(handle, transfer);
    dereference(handle.object);
    result
}

fn of_file(handle: Handle, transfer: Transfer) -> Result<Completion, NtStatus> {
    let (function, required) = if transfer.is_write {
        (major::WRITE, WRITE_DATA)
    } else {
        (major::READ, READ_DATA)
    };
    if handle.access & required == 0 {
        return Err(NtStatus::ACCESS_DENIED);
    }
    let file = FileObject(handle.object);
    let device = device::top(DeviceObject(file.get(FileObject::DEVICE_OBJECT)));
    let request = irp::allocate(device, file, function, USER_MODE);
    let location = irp::next_location(request);
    location.set(StackLocation::LENGTH, transfer.length);
    location.set(StackLocation::BYTE_OFFSET, transfer.offset);
    if let Err(status) = describe(request, device.get(DeviceObject::FLAGS), transfer) {
        completion::withdraw(request);
        return Err(status);
    }
    Ok(send(request, device))
}

/// Sets the buffer of a request by the device's flags. Without one, the driver gets the caller's own
/// address, not validated.
fn describe(request: Irp, flags: u32, transfer: Transfer) -> Result<(), NtStatus> {
    let buffer = (transfer.buffer, u64::from(transfer.length));
    let (address, length) = buffer;
    request.set(Irp::USER_BUFFER, address);
    if length == 0 {
        return Ok(());
    }
    if flags & device_flags::DIRECT_IO != 0 {
        let operation = if transfer.is_write {
            mdl::LockOperation::Read
        } else {
            mdl::LockOperation::Write
        };
        request.set(Irp::MDL, lock(buffer, USER_MODE, operation)?);
    } else if flags & device_flags::BUFFERED_IO != 0 {
        let (input, output, direction) = if transfer.is_write {
            (length, 0, 0)
        } else {
            probe_for_write(address, length)?;
            (0, address, INPUT_OPERATION)
        };
        let system = capture((address, input), length, USER_MODE)?;
        request.set(Irp::SYSTEM_BUFFER, system);
        request.set(Irp::FLAGS, BUFFERED_FLAGS | direction);
        let buffers = Buffers {
            system,
            output,
            mode: USER_MODE,
        };
        completion::set_buffers(request, buffers);
    }
    Ok(())
}
