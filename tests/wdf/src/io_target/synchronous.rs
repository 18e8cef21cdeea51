//! Requests that are made, sent and waited for by one function.
//!
//! Source: `WdfIoTargetSendIoctlSynchronously` and the pages of the functions beside it.

use super::{Target, buffer::Buffer, format::Asked, functions::require_back, send::Options};
use crate::{
    call::Call,
    nt::irp::Irp,
    object::{self, Ref, attributes::Attributes},
    request::{Request, held},
};
use wdk_sys::{
    NTSTATUS, PLONGLONG, PULONG_PTR, PWDF_MEMORY_DESCRIPTOR, PWDF_REQUEST_SEND_OPTIONS, ULONG,
    WDFIOTARGET, WDFREQUEST,
};

/// Formats the driver's request, or one of the framework's own for null, sends it, and waits for it. Writes the
/// bytes that were transferred.
///
/// The request's own status; `STATUS_INVALID_DEVICE_STATE` for a target that is closed; `STATUS_IO_TIMEOUT`;
/// what [`Options::read`], [`Buffer::described`] and [`Ref::<Request>::format`] have.
fn send(
    call: &Call,
    target: WDFIOTARGET,
    request: WDFREQUEST,
    options: PWDF_REQUEST_SEND_OPTIONS,
    bytes: PULONG_PTR,
    asked: impl FnOnce() -> Result<Asked, NTSTATUS>,
) -> NTSTATUS {
    call.require_passive();
    let target = call.object::<Target>(target);
    let status = Options::read(call, options)
        .and_then(|options| Ok((options, asked()?)))
        .and_then(|(options, asked)| {
            let send_as = |request: Ref<Request>| {
                request.format(&target, &asked)?;
                let status = request.send_and_wait(target, options)?;
                let information = request.irp.get().map_or(0, Irp::information);
                call.write_optional(bytes, information);
                Ok(status)
            };
            if !request.is_null() {
                let request = held(call, request);
                require_back(call, request);
                return send_as(request);
            }
            let own = object::create(call.client(), &Attributes::NONE, None, Request::of_driver())?;
            let result = send_as(own);
            own.any().delete();
            result
        });
    status.unwrap_or_else(|status| status)
}

/// `WdfIoTargetSendReadSynchronously` and `WdfIoTargetSendWriteSynchronously`.
///
/// As [`send`].
pub(crate) fn transfer<const MAJOR: u32>(
    call: &Call,
    target: WDFIOTARGET,
    request: WDFREQUEST,
    buffer: PWDF_MEMORY_DESCRIPTOR,
    device_offset: PLONGLONG,
    options: PWDF_REQUEST_SEND_OPTIONS,
    bytes: PULONG_PTR,
) -> NTSTATUS {
    send(call, target, request, options, bytes, || {
        let buffer = Buffer::described(call, buffer)?;
        let offset = call.read_optional(device_offset).unwrap_or(0);
        Ok(Asked::transfer(MAJOR, buffer, offset))
    })
}

/// `WdfIoTargetSendIoctlSynchronously` and `WdfIoTargetSendInternalIoctlSynchronously`.
///
/// As [`send`].
#[expect(clippy::too_many_arguments, reason = "the function's own")]
pub(crate) fn ioctl<const MAJOR: u32>(
    call: &Call,
    target: WDFIOTARGET,
    request: WDFREQUEST,
    code: ULONG,
    input: PWDF_MEMORY_DESCRIPTOR,
    output: PWDF_MEMORY_DESCRIPTOR,
    options: PWDF_REQUEST_SEND_OPTIONS,
    bytes: PULONG_PTR,
) -> NTSTATUS {
    send(call, target, request, options, bytes, || {
        Ok(Asked {
            major: MAJOR,
            code,
            input: Buffer::described(call, input)?,
            output: Buffer::described(call, output)?,
            offset: 0,
        })
    })
}
