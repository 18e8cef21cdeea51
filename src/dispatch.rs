//! Where each kind of request is served, and by which handler.
//!
//! The other properties of a request are in the table of [`ringcopy_protocol::kind`].

use ringcopy_protocol::{NtStatus, RequestKind};

use crate::ops::{self, Call};

/// Where a request is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ServedIn {
    /// In its caller's process, before the queue.
    CallerContext,
    /// From the queue, in any process.
    Queue,
}

/// Serves a request, and returns the length of its output in bytes.
pub type Handler = fn(&Call<'_>) -> Result<usize, NtStatus>;

/// Returns where a kind of request is served, and its handler.
pub const fn handler(kind: RequestKind) -> (ServedIn, Handler) {
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

/// Calls a handler, while the request counts as under way.
pub fn serve(handler: Handler, call: &Call<'_>) -> Result<usize, NtStatus> {
    let _under_way = call.file.enter()?;
    handler(call)
}
