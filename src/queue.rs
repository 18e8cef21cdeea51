//! The callback of the queue, which serves requests in any process.

use ringcopy_protocol::{Code, NtStatus};
use wdk_sys::{ULONG, WDFQUEUE, WDFREQUEST};

use crate::{
    dispatch::{self, ServedIn},
    nt::wdf::{Device, Request},
    ops::Call,
    state, trace,
};

/// Serves a request that [`caller_context`](crate::caller_context) put into the queue.
pub extern "C" fn evt_io_device_control(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    _output_length: usize,
    _input_length: usize,
    _control_code: ULONG,
) {
    let request = Request::of_callback(request);
    let served = serve(&Device::of_queue(queue), &request)
        .inspect_err(|status| trace::request_refused(&request, *status));
    request.complete(served);
}

fn serve(device: &Device, request: &Request) -> Result<usize, NtStatus> {
    let parameters = request.control().ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    let code = Code::from_value(parameters.code).ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    let (ServedIn::Queue, handler) = dispatch::handler(code.kind) else {
        return Err(NtStatus::INVALID_DEVICE_REQUEST);
    };
    let (device, file) = state::contexts(device, request)?;
    dispatch::serve(
        handler,
        &Call {
            code,
            device,
            file,
            request,
            parameters,
        },
    )
}
