//! What a request asks of a target, and its buffers on their way there and back.
//!
//! Source: `WdfIoTargetFormatRequestForIoctl` and the pages of the functions beside it, "Buffer Descriptions
//! for I/O Control Codes".

use super::{Target, buffer::Buffer};
use crate::{
    call::Call,
    memory::Memory,
    nt::{irp::Irp, mdl::OwnedMdl, pool::Block},
    object::Ref,
    request::{Request, buffer::METHOD_MASK, held},
};
use core::{mem::offset_of, ptr::null_mut};
use wdk_sys::{
    _LOCK_OPERATION as LockOperation, DO_BUFFERED_IO, DO_DIRECT_IO, IO_STACK_LOCATION,
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ, IRP_MJ_WRITE,
    LOCK_OPERATION, LONGLONG, METHOD_BUFFERED, METHOD_IN_DIRECT, METHOD_NEITHER, NTSTATUS,
    PLONGLONG, PMDL, PVOID, PWDFMEMORY_OFFSET, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_REQUEST_NOT_ACCEPTED, UCHAR, ULONG, WDF_REQUEST_COMPLETION_PARAMS, WDFIOTARGET,
    WDFMEMORY, WDFREQUEST,
};

pub(crate) const READ: u32 = IRP_MJ_READ;
pub(crate) const WRITE: u32 = IRP_MJ_WRITE;
pub(crate) const IOCTL: u32 = IRP_MJ_DEVICE_CONTROL;
pub(crate) const INTERNAL_IOCTL: u32 = IRP_MJ_INTERNAL_DEVICE_CONTROL;

/// What a request asks for.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) major: u32,
    /// Of a device control.
    pub(super) code: ULONG,
    pub(super) input: Buffer,
    pub(super) output: Buffer,
    /// In the device, of a read or write.
    pub(super) offset: LONGLONG,
}

impl Asked {
    /// A read into a buffer, or a write from it.
    pub(super) const fn transfer(major: u32, buffer: Buffer, offset: LONGLONG) -> Self {
        let (input, output) = match major {
            READ => (Buffer::NONE, buffer),
            _ => (buffer, Buffer::NONE),
        };
        Self {
            major,
            code: 0,
            input,
            output,
            offset,
        }
    }

    const fn is_transfer(&self) -> bool {
        matches!(self.major, READ | WRITE)
    }

    /// Returns the one buffer of a transfer.
    const fn transferred(&self) -> &Buffer {
        match self.major {
            READ => &self.output,
            _ => &self.input,
        }
    }

    /// Makes the next driver's stack location.
    fn describe(&self, irp: Irp, target: &Target) -> Result<(), NTSTATUS> {
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        let major = self.major as UCHAR;
        let next = irp.next();
        next.begin(major, target.file_object());
        macro_rules! set {
            ($($member:ident).+, $value:expr) => {
                next.set_parameter(offset_of!(IO_STACK_LOCATION, Parameters.$($member).+), $value)
            };
        }
        if self.is_transfer() {
            // A write's members are a read's.
            set!(Read.Length, self.transferred().length);
            set!(Read.ByteOffset, self.offset);
            return Ok(());
        }
        set!(DeviceIoControl.IoControlCode, self.code);
        set!(DeviceIoControl.InputBufferLength, self.input.length);
        set!(DeviceIoControl.OutputBufferLength, self.output.length);
        if self.code & METHOD_MASK == METHOD_NEITHER {
            set!(DeviceIoControl.Type3InputBuffer, self.input.address()?);
        }
        Ok(())
    }

    /// Returns what the driver learns about the request when it is back.
    fn params(&self) -> WDF_REQUEST_COMPLETION_PARAMS {
        #[expect(clippy::cast_possible_truncation, reason = "a small structure")]
        let mut params = WDF_REQUEST_COMPLETION_PARAMS {
            Size: size_of::<WDF_REQUEST_COMPLETION_PARAMS>() as ULONG,
            Type: self.major.cast_signed(),
            ..WDF_REQUEST_COMPLETION_PARAMS::default()
        };
        let (input, output) = (&self.input, &self.output);
        if self.is_transfer() {
            let buffer = self.transferred();
            params.Parameters.Read.Buffer = buffer.handle();
            params.Parameters.Read.Offset = buffer.offset;
        } else {
            params.Parameters.Ioctl.IoControlCode = self.code;
            params.Parameters.Ioctl.Input.Buffer = input.handle();
            params.Parameters.Ioctl.Input.Offset = input.offset;
            params.Parameters.Ioctl.Output.Buffer = output.handle();
            params.Parameters.Ioctl.Output.Offset = output.offset;
        }
        params
    }
}

/// How a target takes buffers.
enum Method {
    Buffered,
    Direct(LOCK_OPERATION),
    Neither,
}

/// Returns the method of a control code, or of the target's reads and writes.
const fn method(asked: &Asked, flags: ULONG) -> Method {
    if asked.is_transfer() {
        return match asked.major {
            _ if flags & DO_BUFFERED_IO != 0 => Method::Buffered,
            READ if flags & DO_DIRECT_IO != 0 => Method::Direct(LockOperation::IoWriteAccess),
            _ if flags & DO_DIRECT_IO != 0 => Method::Direct(LockOperation::IoReadAccess),
            _ => Method::Neither,
        };
    }
    match asked.code & METHOD_MASK {
        METHOD_BUFFERED => Method::Buffered,
        METHOD_NEITHER => Method::Neither,
        METHOD_IN_DIRECT => Method::Direct(LockOperation::IoReadAccess),
        _ => Method::Direct(LockOperation::IoWriteAccess),
    }
}

/// What a request holds that is formatted for a target.
pub(crate) struct Formatted {
    params: WDF_REQUEST_COMPLETION_PARAMS,
    /// The packet's own buffers, of a request that somebody else sent to the driver.
    own: (PVOID, PVOID, PMDL),
    system: Option<Block>,
    /// Where the system buffer's contents go when the request is back, and how many bytes at most.
    output: Option<(PVOID, ULONG)>,
    /// Keeps the packet's list.
    list: Option<OwnedMdl>,
    /// Objects that the buffers are parts of, each with a reference.
    memory: [Option<Ref<Memory>>; 2],
}

impl Formatted {
    /// Sets a packet's buffers, and its next stack location.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    fn new(asked: &Asked, irp: Irp, target: &Target) -> Result<Self, NTSTATUS> {
        let flags = target.device()?.flags();
        let mut formatted = Self {
            params: asked.params(),
            own: (irp.system_buffer(), irp.user_buffer(), irp.mdl()),
            system: None,
            output: None,
            list: None,
            memory: [asked.input.memory, asked.output.memory],
        };
        for memory in formatted.memory.into_iter().flatten() {
            memory.any().reference();
        }
        let buffers = formatted.buffers(asked, &method(asked, flags));
        let described = buffers.and_then(|(system, user, list)| {
            irp.set_system_buffer(system);
            irp.set_user_buffer(user);
            irp.set_mdl(list);
            asked.describe(irp, target)
        });
        match described {
            Ok(()) => Ok(formatted),
            Err(status) => {
                formatted.restore(irp);
                Err(status)
            }
        }
    }

    /// Returns what the packet gets: a system buffer, a user's buffer and a list.
    fn buffers(
        &mut self,
        asked: &Asked,
        method: &Method,
    ) -> Result<(PVOID, PVOID, PMDL), NTSTATUS> {
        let none: PVOID = null_mut();
        let (input, output) = (&asked.input, &asked.output);
        match method {
            Method::Buffered => {
                let length = input.length.max(output.length);
                if length == 0 {
                    return Ok((none, none, null_mut()));
                }
                let block = Block::zeroed(length as usize).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
                let (source, target) = (input.address()?, output.address()?);
                copy(source, block.as_ptr(), input.length);
                self.output = (output.length != 0).then_some((target, output.length));
                let system = block.as_ptr();
                self.system = Some(block);
                Ok((system, target, null_mut()))
            }
            Method::Direct(operation) if asked.is_transfer() => {
                let (list, owned) = asked.transferred().list(*operation)?;
                self.list = owned;
                Ok((none, none, list))
            }
            Method::Direct(operation) => {
                let (list, owned) = output.list(*operation)?;
                self.list = owned;
                Ok((input.address()?, none, list))
            }
            Method::Neither if asked.is_transfer() => {
                Ok((none, asked.transferred().address()?, null_mut()))
            }
            Method::Neither => Ok((none, output.address()?, null_mut())),
        }
    }

    /// Copies what a packet brings back to the driver's buffer, and returns what the driver learns.
    pub(super) fn take_back(&mut self, irp: Irp) -> WDF_REQUEST_COMPLETION_PARAMS {
        let information = usize::try_from(irp.information()).unwrap_or(usize::MAX);
        if let (Some(block), Some((output, length))) = (&self.system, self.output.take()) {
            let length = ULONG::try_from(information).map_or(length, |bytes| bytes.min(length));
            copy(block.as_ptr(), output, length);
        }
        let mut params = self.params;
        match u32::try_from(params.Type) {
            Ok(READ | WRITE) => params.Parameters.Read.Length = information,
            _ => params.Parameters.Ioctl.Output.Length = information,
        }
        params
    }

    /// Gives a packet its own buffers back.
    pub(super) const fn restore(&self, irp: Irp) {
        let (system, user, list) = self.own;
        irp.set_system_buffer(system);
        irp.set_user_buffer(user);
        irp.set_mdl(list);
    }
}

impl Drop for Formatted {
    fn drop(&mut self) {
        for memory in self.memory.iter_mut().filter_map(Option::take) {
            memory.any().release();
        }
    }
}

const fn copy(source: PVOID, target: PVOID, length: ULONG) {
    // SAFETY: a buffer of the driver's and a system buffer, of at least this many bytes; nothing is copied
    // for no buffer.
    unsafe {
        target
            .cast::<u8>()
            .copy_from(source.cast(), length as usize);
    }
}

impl Ref<Request> {
    /// Formats the request for a target.
    ///
    /// `STATUS_INVALID_DEVICE_STATE` for a target that is closed; `STATUS_REQUEST_NOT_ACCEPTED` if the packet
    /// is not the framework's and has too few stack locations; `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn format(self, target: &Target, asked: &Asked) -> Result<(), NTSTATUS> {
        let irp = self.packet_for(target)?;
        let formatted = Formatted::new(asked, irp, target)?;
        self.sending.set_formatted(formatted);
        Ok(())
    }

    /// Returns a packet that has enough stack locations for a target, with its own buffers.
    ///
    /// As [`Ref::<Request>::format`].
    pub(crate) fn packet_for(self, target: &Target) -> Result<Irp, NTSTATUS> {
        self.sending.release(self.irp.get());
        let locations = target.device()?.stack_size();
        match self.irp.get() {
            Some(irp) if irp.locations_left() >= locations => Ok(irp),
            Some(_) if !self.is_of_driver() => Err(STATUS_REQUEST_NOT_ACCEPTED),
            _ => self.allocate_packet(locations),
        }
    }
}

/// `WdfIoTargetFormatRequestForRead` and `WdfIoTargetFormatRequestForWrite`.
///
/// As [`Ref::<Request>::format`]; `STATUS_INTEGER_OVERFLOW` for a part that reaches beyond its memory object.
pub(crate) fn transfer<const MAJOR: u32>(
    call: &Call,
    target: WDFIOTARGET,
    request: WDFREQUEST,
    buffer: WDFMEMORY,
    offsets: PWDFMEMORY_OFFSET,
    device_offset: PLONGLONG,
) -> NTSTATUS {
    let target = call.object::<Target>(target);
    let request = held(call, request);
    let formatted = Buffer::of_memory(call, buffer, offsets).and_then(|buffer| {
        let offset = call.read_optional(device_offset).unwrap_or(0);
        request.format(&target, &Asked::transfer(MAJOR, buffer, offset))
    });
    call.report(formatted)
}

/// `WdfIoTargetFormatRequestForIoctl` and `WdfIoTargetFormatRequestForInternalIoctl`.
///
/// As [`transfer`].
#[expect(clippy::too_many_arguments, reason = "the function's own")]
pub(crate) fn ioctl<const MAJOR: u32>(
    call: &Call,
    target: WDFIOTARGET,
    request: WDFREQUEST,
    code: ULONG,
    input: WDFMEMORY,
    input_offsets: PWDFMEMORY_OFFSET,
    output: WDFMEMORY,
    output_offsets: PWDFMEMORY_OFFSET,
) -> NTSTATUS {
    let target = call.object::<Target>(target);
    let request = held(call, request);
    let formatted = Buffer::of_memory(call, input, input_offsets).and_then(|input| {
        let asked = Asked {
            major: MAJOR,
            code,
            input,
            output: Buffer::of_memory(call, output, output_offsets)?,
            offset: 0,
        };
        request.format(&target, &asked)
    });
    call.report(formatted)
}

const _: () = {
    // One name for both, above.
    assert!(
        offset_of!(IO_STACK_LOCATION, Parameters.Read.Length)
            == offset_of!(IO_STACK_LOCATION, Parameters.Write.Length)
    );
    assert!(
        offset_of!(IO_STACK_LOCATION, Parameters.Read.ByteOffset)
            == offset_of!(IO_STACK_LOCATION, Parameters.Write.ByteOffset)
    );
};
