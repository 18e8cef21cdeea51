//! Copies between the caller's memory and the handle's session buffer.

use ringcopy_protocol::{CallerCopyRequest, NtStatus, TransferResponse};
use usermode_accessors::{Fault, UserSlice, VolatileSlice};

use super::{Call, address_field, transfer};

/// A request whose every field was judged.
struct Judged<'a> {
    caller: UserSlice,
    alignment: usize,
    session: VolatileSlice<'a>,
}

fn judge<'a>(call: &Call<'a>, request: &CallerCopyRequest) -> Result<Judged<'a>, NtStatus> {
    let mode = call.mode(request.mode)?;
    let session = usize::try_from(request.session_offset)
        .ok()
        .zip(usize::try_from(request.length).ok())
        .and_then(|(offset, length)| call.file.session.as_volatile().subslice(offset, length))
        .ok_or(NtStatus::INVALID_BUFFER_SIZE)?;
    Ok(Judged {
        caller: mode.slice(address_field(request.address)?, session.len()),
        alignment: address_field(request.alignment.into())?,
        session,
    })
}

fn serve(
    call: &Call<'_>,
    copy: impl FnOnce(Judged<'_>) -> Result<(), Fault>,
) -> Result<usize, NtStatus> {
    let request: CallerCopyRequest = call.capture()?;
    let judged = judge(call, &request)?;
    call.reserve_response::<TransferResponse>()?;
    let outcome = copy(judged);
    let result = transfer::of_accessor(request.length, outcome);
    call.respond_to_caller(&transfer::response(request.length, result))
}

/// `CopyFromModeAligned`, into the session buffer.
pub fn copy_from(call: &Call<'_>) -> Result<usize, NtStatus> {
    serve(call, |judged| {
        judged
            .caller
            .reader_aligned(judged.alignment)?
            .read_volatile(judged.session)
    })
}

/// `CopyToMode`, from the session buffer, with the alignment check that Microsoft gives the other
/// direction alone.
pub fn copy_to(call: &Call<'_>) -> Result<usize, NtStatus> {
    serve(call, |judged| {
        judged
            .caller
            .writer_aligned(judged.alignment)?
            .write_volatile(&judged.session)
    })
}
