//! The first callback for every request, which runs in its sender's process and thread.
//!
//! Requests that name caller memory are served here, because the queue's callback may run in
//! another process: `EVT_WDF_IO_IN_CALLER_CONTEXT`, Windows driver documentation. The others go to
//! the queue.
//!
//! IRQL: the sender's. A program's is `PASSIVE_LEVEL`. Requests that a driver sends at another level
//! are refused.

use ringcopy_protocol::{Code, NtStatus};
use wdk_sys::{WDFDEVICE, WDFREQUEST};

use crate::{
    dispatch::{self, ServedIn},
    nt::{
        caller::CallerMode,
        processor,
        wdf::{Device, Request},
    },
    ops::Call,
    state, trace,
};

pub extern "C" fn evt_io_in_caller_context(device: WDFDEVICE, request: WDFREQUEST) {
    let device = Device::of_callback(device);
    let request = Request::of_callback(request);
    if !processor::is_at_passive_level() {
        trace::request_refused(&request, NtStatus::INVALID_LEVEL);
        return request.complete(Err(NtStatus::INVALID_LEVEL));
    }
    let served =
        serve(&device, &request).inspect_err(|status| trace::request_refused(&request, *status));
    match served.transpose() {
        Some(served) => request.complete(served),
        None => device.enqueue(request),
    }
}

/// Serves a request, or returns `None` if it belongs in the queue.
fn serve(device: &Device, request: &Request) -> Result<Option<usize>, NtStatus> {
    let Some(parameters) = request.control() else {
        // The queue has no callback for reads, writes and the like: the framework refuses them.
        return Ok(None);
    };
    let (device, file) = state::contexts(device, request)?;
    file.check_owner()?;
    let code = Code::from_value(parameters.code).ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    let length = parameters.output_length;
    CallerMode::check_output(request, device.settings.policy, code.method, length)?;
    let (ServedIn::CallerContext, handler) = dispatch::handler(code.kind) else {
        return Ok(None);
    };
    let call = Call {
        code,
        device,
        file,
        request,
        parameters,
    };
    dispatch::serve(handler, &call).map(Some)
}
