//! The table of control codes: where each is served and by whom.
//!
//! What else is fixed about a code (its buffers, its access, its sizes) stands in
//! [`ringcopy_protocol::CODES`], which client and tests share.

use ringcopy_protocol::{Code, NtStatus, RequestKind};

use crate::{device, nt::wdf::Request, ops};

/// Where a request is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In its caller's process, before the queue.
    Caller,
    /// From the queue, in any process.
    Queue,
}

/// Serves one request; the answer is how many bytes of output it has.
type Handler = fn(&ops::Call<'_>) -> Result<usize, NtStatus>;

struct Row {
    kind: RequestKind,
    place: Place,
    handler: Handler,
}

const fn row(kind: RequestKind, place: Place, handler: Handler) -> Row {
    Row {
        kind,
        place,
        handler,
    }
}

static TABLE: [Row; ringcopy_protocol::CODES.len()] = [
    row(
        RequestKind::Information,
        Place::Queue,
        ops::information::serve,
    ),
    row(
        RequestKind::CopyFrom,
        Place::Caller,
        ops::caller_copy::copy_from,
    ),
    row(
        RequestKind::CopyTo,
        Place::Caller,
        ops::caller_copy::copy_to,
    ),
    row(
        RequestKind::CopyThrough,
        Place::Caller,
        ops::copy_through::serve,
    ),
    row(
        RequestKind::DeviceCopy,
        Place::Queue,
        ops::device_copy::serve,
    ),
    row(
        RequestKind::CopyMemory,
        Place::Caller,
        ops::copy_memory::serve,
    ),
    row(
        RequestKind::CopyBatch,
        Place::Caller,
        ops::copy_batch::serve,
    ),
    row(
        RequestKind::CopyScatter,
        Place::Caller,
        ops::copy_scatter::serve,
    ),
    row(
        RequestKind::MemoryRanges,
        Place::Queue,
        ops::memory_ranges::serve,
    ),
];

fn find(control_code: u32) -> Option<(&'static Code, &'static Row)> {
    let code = Code::from_value(control_code)?;
    let row = TABLE.iter().find(|row| row.kind == code.kind)?;
    Some((code, row))
}

/// Where a control code is served, if it is one of ours.
pub fn place(control_code: u32) -> Option<Place> {
    find(control_code).map(|(_, row)| row.place)
}

/// Serves a request of this place, or says why not.
pub fn serve(request: &Request, here: Place) -> Result<usize, NtStatus> {
    let parameters = request.control().ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    let (code, row) = find(parameters.code)
        .filter(|(_, row)| row.place == here)
        .ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    let (device, file) = device::contexts(request)?;
    let _place = file.enter()?;
    (row.handler)(&ops::Call {
        code,
        device,
        file,
        request,
        parameters,
    })
}
