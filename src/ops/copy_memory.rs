//! Copies virtual or physical memory to the output, as `MmCopyMemory` does.

use core::ops::Range;

use mm_copy::CopyFlags;
use ringcopy_protocol::{
    CopyResponse, CopyResult, NtStatus, Reach, kind,
    validate::{CopyMemory, Source},
};
use usermode_accessors::{VolatileSlice, probe};

use super::Call;
use crate::{engine::Copier, state::FileContext, trace};

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let CopyMemory { source, engine, .. } = call.capture::<kind::CopyMemory>()?;
    let target = call.payload::<CopyResponse>(source.length)?;
    let ram = call.device.engines.ram();
    let mut copier = call.device.engines.copier(engine, &ram);
    let result = copy(call, &mut copier, source, target);
    trace::copied(call.code.kind, source.length as u64, &result);
    let response = CopyResponse::of(source.length as u64, result);
    let arrived = usize::try_from(result.copied).unwrap_or(0);
    call.respond(&response, arrived)
}

// The protocol and `mm-copy` do not know each other, so each declares the flags of `MmCopyMemory`.
// The driver uses those of `mm-copy`, and takes the bits of a request as they are.
const _: () = {
    use ringcopy_protocol::CopyFlags as WireFlags;
    assert!(CopyFlags::PHYSICAL.bits() == WireFlags::PHYSICAL.bits());
    assert!(CopyFlags::VIRTUAL.bits() == WireFlags::VIRTUAL.bits());
};

/// Copies a source within reach to nonpaged memory of the same length.
pub(super) fn copy(
    call: &Call<'_>,
    copier: &mut Copier<'_, '_>,
    source: Source,
    target: VolatileSlice<'_>,
) -> CopyResult {
    let flags = CopyFlags::from_bits_retain(source.flags);
    match check_reach(call, source) {
        Ok(()) => copier.copy(flags, source.address, target),
        Err(status) => CopyResult::of(status),
    }
}

/// Checks that a source is within reach. The caller's own memory and the session buffer, by either
/// address, always are; other memory by policy and privilege. The engine refuses invalid flags.
pub(super) fn check_reach(call: &Call<'_>, source: Source) -> Result<(), NtStatus> {
    let file = call.file;
    let (own, needed) = match CopyFlags::from_bits(source.flags) {
        Some(CopyFlags::PHYSICAL) => (file.session.physical_address(), Reach::PHYSICAL),
        Some(CopyFlags::VIRTUAL) if source.address < probe::user_limit() as u64 => return Ok(()),
        Some(CopyFlags::VIRTUAL) => (file.session.address(), Reach::SYSTEM_VIRTUAL),
        _ => return Ok(()),
    };
    if source.length == 0 || within_session(file, own, source) || file.reach.contains(needed) {
        return Ok(());
    }
    let status = if call.device.settings.policy.contains(needed) {
        NtStatus::PRIVILEGE_NOT_HELD
    } else {
        NtStatus::ACCESS_DENIED
    };
    trace::out_of_reach(call.code.kind, needed, source.length, status);
    Err(status)
}

fn within_session(file: &FileContext, start: u64, source: Source) -> bool {
    let session = Range {
        start,
        end: start.saturating_add(file.session.length() as u64),
    };
    source
        .address
        .checked_add(source.length as u64)
        .is_some_and(|end| session.contains(&source.address) && end <= session.end)
}
