//! Where each request is served, and its handler.
//!
//! The other properties of a control code (buffers, access, sizes) are in
//! [`ringcopy_protocol::kind`], which client and tests share.

use ringcopy_protocol::{Code, NtStatus, RequestKind};

use crate::{device, nt::wdf::Request, ops};

/// Where a request is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ServedIn {
    /// In its caller's process, before the queue.
    CallerContext,
    /// From the queue, in any process.
    Queue,
}

/// Serves a request, and returns the length of its output in bytes.
type Handler = fn(&ops::Call<'_>) -> Result<usize, NtStatus>;

/// Returns where a kind of request is served, and its handler.
fn row(kind: RequestKind) -> (ServedIn, Handler) {
    match kind {
        RequestKind::Information => (ServedIn::Queue, ops::information::serve),
        RequestKind::CopyFrom => (ServedIn::CallerContext, ops::caller_copy::copy_from),
        RequestKind::CopyTo => (ServedIn::CallerContext, ops::caller_copy::copy_to),
        RequestKind::CopyThrough => (ServedIn::CallerContext, ops::copy_through::serve),
        RequestKind::DeviceCopy => (ServedIn::Queue, ops::device_copy::serve),
        RequestKind::CopyMemory => (ServedIn::CallerContext, ops::copy_memory::serve),
        RequestKind::CopyBatch => (ServedIn::CallerContext, ops::copy_batch::serve),
        RequestKind::CopyScatter => (ServedIn::CallerContext, ops::copy_scatter::serve),
        RequestKind::MemoryRanges => (ServedIn::Queue, ops::memory_ranges::serve),
    }
}

/// Returns where a control code is served, if it is one of the driver's.
pub fn served_in(control_code: u32) -> Option<ServedIn> {
    Code::from_value(control_code).map(|code| row(code.kind).0)
}

/// Serves a request if this is where it is served.
pub fn serve(request: &Request, here: ServedIn) -> Result<usize, NtStatus> {
    let parameters = request.control().ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    let code = Code::from_value(parameters.code).ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    let (served_in, handler) = row(code.kind);
    if served_in != here {
        return Err(NtStatus::INVALID_DEVICE_REQUEST);
    }
    let (device, file) = device::contexts(request)?;
    let _under_way = file.enter()?;
    handler(&ops::Call {
        code,
        device,
        file,
        request,
        parameters,
    })
}
