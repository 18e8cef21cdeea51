//! Copies between the caller's memory and the handle's session buffer.

use core::mem::size_of;

use ringcopy_protocol::{CallerCopyRequest, CopyResponse, Kind, NtStatus, kind};
use usermode_accessors::{Fault, UserSlice, VolatileSlice};

use super::{Call, copy_result};
use crate::trace;

/// Both sides of a copy.
struct Sides<'a> {
    caller: UserSlice,
    alignment: usize,
    session: VolatileSlice<'a>,
}

/// `writes`: whether the caller's memory is the target.
fn serve<K: Kind<Request = CallerCopyRequest>>(
    call: &Call<'_>,
    writes: bool,
    copy: impl FnOnce(Sides<'_>) -> Result<(), Fault>,
) -> Result<usize, NtStatus> {
    let request = call.capture::<K>()?;
    let sides = Sides {
        caller: call
            .mode(request.mode)
            .slice(request.address, request.length),
        alignment: request.alignment,
        // Not reached: the request is valid.
        session: call
            .file
            .session
            .get()?
            .as_volatile()
            .subslice(request.session_offset, request.length)
            .ok_or(NtStatus::INVALID_BUFFER_SIZE)?,
    };
    let target = writes.then_some((request.address, request.length));
    call.reserve_response(size_of::<CopyResponse>(), target)?;
    let asked = request.length as u64;
    let result = copy_result::of_accessor(asked, copy(sides));
    trace::copied(K::KIND, asked, &result);
    call.respond_to_caller(&CopyResponse::of(asked, result))
}

/// Copies to the session buffer: `CopyFromModeAligned`.
pub fn copy_from(call: &Call<'_>) -> Result<usize, NtStatus> {
    serve::<kind::CopyFrom>(call, false, |sides| {
        sides
            .caller
            .reader_aligned(sides.alignment)?
            .read_volatile(sides.session)
    })
}

/// Copies from the session buffer: `CopyToMode`, with the alignment check that Microsoft's function
/// for this direction lacks.
pub fn copy_to(call: &Call<'_>) -> Result<usize, NtStatus> {
    serve::<kind::CopyTo>(call, true, |sides| {
        sides
            .caller
            .writer_aligned(sides.alignment)?
            .write_volatile(&sides.session)
    })
}
