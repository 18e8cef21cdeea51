//! Copies virtual or physical memory into the output, as `MmCopyMemory` does.

use core::ops::Range;

use mm_copy::CopyFlags;
use ringcopy_protocol::{
    CopyMemoryFlags, CopyMemoryRequest, Engine, MAXIMUM_LENGTH, NtStatus, Reach, TransferResponse,
};
use usermode_accessors::probe::USER_LIMIT;

use super::{Call, transfer};
use crate::file::FileContext;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let request: CopyMemoryRequest = call.capture()?;
    let engine = Engine::from_wire(request.engine).ok_or(NtStatus::INVALID_PARAMETER)?;
    if request.length > MAXIMUM_LENGTH {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    let length = usize::try_from(request.length).map_err(|_| NtStatus::INVALID_BUFFER_SIZE)?;
    let target = call.payload::<TransferResponse>(length)?;
    let flags = CopyFlags::from_bits_retain(request.flags);
    let outcome = check_reach(call, &request).and_then(|()| {
        call.device
            .engines
            .copy(engine, flags, request.address, target)
    });
    let response = match outcome {
        Ok((transfer, engine)) => transfer::of_engine(request.length, &transfer, engine),
        Err(status) => transfer::refused(request.length, status),
    };
    let copied = usize::try_from(response.copied).unwrap_or(0);
    call.respond(&response, copied)
}

/// Whether the request stays within reach: the caller's own memory and the session buffer by
/// either address always; the rest by policy and privilege. Flags that make no sense reach
/// nothing, and are left to the engine to name.
fn check_reach(call: &Call<'_>, request: &CopyMemoryRequest) -> Result<(), NtStatus> {
    let file = call.file;
    let (own, needed) = match CopyMemoryFlags::from_bits(request.flags) {
        Some(CopyMemoryFlags::PHYSICAL) => (file.session.physical_address(), Reach::PHYSICAL),
        Some(CopyMemoryFlags::VIRTUAL) if request.address < USER_LIMIT as u64 => return Ok(()),
        Some(CopyMemoryFlags::VIRTUAL) => (file.session.address(), Reach::SYSTEM_VIRTUAL),
        _ => return Ok(()),
    };
    if request.length == 0 || within_session(file, own, request) || file.reach.contains(needed) {
        Ok(())
    } else if call.device.settings.policy.contains(needed) {
        Err(NtStatus::PRIVILEGE_NOT_HELD)
    } else {
        Err(NtStatus::ACCESS_DENIED)
    }
}

fn within_session(file: &FileContext, start: u64, request: &CopyMemoryRequest) -> bool {
    let session = Range {
        start,
        end: start.saturating_add(file.session.length() as u64),
    };
    request
        .address
        .checked_add(request.length)
        .is_some_and(|end| session.contains(&request.address) && end <= session.end)
}
