//! The arguments of a control request, from its IRP.

use core::mem::offset_of;

use usermode_accessors::{CallerMode, Mode};
use wdk_sys::{IO_STACK_LOCATION, IRP, KPROCESSOR_MODE, NTSTATUS, PVOID, ULONG};

use crate::{
    handler::{self, Buffer},
    wdm::member,
};

pub const DEVICE: &str = r"\Device\UserModeAccessors";
pub const LINK: &str = r"\DosDevices\UserModeAccessors";

/// Turns a control request into the handler's arguments. Returns the length of the output.
pub fn serve(irp: *mut IRP, stack: *mut IO_STACK_LOCATION) -> Result<usize, NTSTATUS> {
    let number = |offset| -> ULONG { member(stack, offset) };
    let code = number(offset_of!(
        IO_STACK_LOCATION,
        Parameters.DeviceIoControl.IoControlCode
    ));
    let input_length = number(offset_of!(
        IO_STACK_LOCATION,
        Parameters.DeviceIoControl.InputBufferLength
    ));
    let output_length = number(offset_of!(
        IO_STACK_LOCATION,
        Parameters.DeviceIoControl.OutputBufferLength
    ));
    let input: PVOID = member(
        stack,
        offset_of!(
            IO_STACK_LOCATION,
            Parameters.DeviceIoControl.Type3InputBuffer
        ),
    );
    let output: PVOID = member(irp, offset_of!(IRP, UserBuffer));
    let mode: KPROCESSOR_MODE = member(irp, offset_of!(IRP, RequestorMode));
    // SAFETY: the I/O manager recorded the mode. If it is the kernel's, the sender is kernel code, which
    // guarantees the addresses in its request until the request is completed.
    let caller = unsafe { CallerMode::new(Mode::from_raw(mode)) };
    let buffer = |address: PVOID, length: ULONG| Buffer {
        address: address.addr(),
        length: length as usize,
    };
    let (input, output) = (buffer(input, input_length), buffer(output, output_length));
    handler::serve(caller, code, input, output).map_err(NTSTATUS::from)
}
