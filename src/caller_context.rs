//! The first look at every request, while its caller's address space is the current one.
//!
//! Requests that name caller memory are carried out here, since nothing else promises that the
//! queue's callback runs in the right process: `EVT_WDF_IO_IN_CALLER_CONTEXT`,
//! Windows driver documentation. The rest goes to the queue.
//!
//! IRQL: the sender's. A program's is `PASSIVE_LEVEL`, which what is done here needs; a request that
//! a driver sends at another is refused.

use ringcopy_protocol::{Code, NtStatus};
use wdk_sys::{WDFDEVICE, WDFREQUEST};

use crate::{
    device,
    dispatch::{self, ServedIn},
    nt::{
        caller::CallerMode,
        processor,
        wdf::{ControlParameters, Device, Request},
    },
};

pub extern "C" fn evt_io_in_caller_context(device: WDFDEVICE, request: WDFREQUEST) {
    let request = Request::of_callback(request);
    if !processor::is_at_passive_level() {
        return request.complete(Err(NtStatus::INVALID_LEVEL));
    }
    let Some(control) = request.control() else {
        // Reads, writes and the like: the queue has no callback for them, so that the framework
        // refuses them.
        return Device::of_callback(device).enqueue(request);
    };
    if let Err(status) = check(&request, control) {
        return request.complete(Err(status));
    }
    if dispatch::served_in(control.code) == Some(ServedIn::Queue) {
        Device::of_callback(device).enqueue(request);
    } else {
        let outcome = dispatch::serve(&request, ServedIn::CallerContext);
        request.complete(outcome);
    }
}

/// Whether the requestor may have the request served at all.
fn check(request: &Request, control: ControlParameters) -> Result<(), NtStatus> {
    let (device, file) = device::contexts(request)?;
    file.check_owner()?;
    let mode = CallerMode::of(request, device.settings.policy);
    Code::from_value(control.code).map_or(Ok(()), |code| {
        mode.check_output(request, code.method, control.output_length)
    })
}
