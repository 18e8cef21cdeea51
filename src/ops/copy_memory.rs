//! Copies virtual or physical memory to the output, as `MmCopyMemory` does.

use mm_copy::CopyFlags;
use ringcopy_protocol::{
    CopyResponse, CopyResult, EngineKind, NtStatus, Reach, SESSION_LENGTH, SESSION_PAGES, kind,
    validate::{CopyMemory, Source},
};
use usermode_accessors::{VolatileSlice, probe};

use super::{
    Call,
    interruption::{Interruption, PIECE},
};
use crate::{
    engine::{Copier, Memory},
    nt::{OFFSET_IN_PAGE, PAGE_SIZE},
    state::FileContext,
    trace,
};

/// The bits of an address that are its offset in a piece.
const OFFSET_IN_PIECE: u64 = PIECE as u64 - 1;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let CopyMemory { source, engine, .. } = call.capture::<kind::CopyMemory>()?;
    let mut output = call.output(source.length)?;
    let ram = call.device.engines.ram();
    let copier = call.device.engines.copier(engine, &ram);
    let mut interruption = Interruption::of(call.request);
    let target = output.payload.reborrow();
    let result = copy(call, &copier, &mut interruption, source, target);
    trace::copied(call.code.kind, source.length as u64, &result);
    let response = CopyResponse::of(source.length as u64, result);
    let arrived = usize::try_from(result.copied).unwrap_or(0);
    output.respond(&response, arrived)
}

// The protocol and `mm-copy` do not know each other, so each declares the flags of `MmCopyMemory`.
// The driver uses those of `mm-copy`, and takes the bits of a request as they are.
const _: () = {
    use ringcopy_protocol::CopyFlags as WireFlags;
    assert!(CopyFlags::PHYSICAL.bits() == WireFlags::PHYSICAL.bits());
    assert!(CopyFlags::VIRTUAL.bits() == WireFlags::VIRTUAL.bits());
};

/// Copies a source within reach to nonpaged memory of the same length. An interrupted copy ends after
/// a piece.
#[inline]
pub(super) fn copy(
    call: &Call<'_>,
    copier: &Copier<'_, '_>,
    interruption: &mut Interruption<'_>,
    source: Source,
    target: VolatileSlice<'_>,
) -> CopyResult {
    match check_reach(call, source) {
        Ok(()) if is_in_one_piece(source) => match interruption.before(source.length.min(PIECE)) {
            Ok(()) => {
                let flags = CopyFlags::from_bits_retain(source.flags);
                copier.copy(flags, source.address, target)
            }
            Err(status) => CopyResult::of(status),
        },
        Ok(()) => {
            let choice = copier.choice();
            let result = copy_in_pieces(copier, interruption, source, target);
            copier.choose(choice);
            result
        }
        Err(status) => CopyResult::of(status),
    }
}

/// Whether an engine gets all of a source at once: a short one, or one that it refuses as a whole
/// ([`mm_copy::copy_memory`] says which).
#[inline]
fn is_in_one_piece(source: Source) -> bool {
    source.length <= PIECE || is_refused_as_a_whole(source)
}

fn is_refused_as_a_whole(source: Source) -> bool {
    let last = source
        .address
        .checked_add((source.length as u64).saturating_sub(1));
    let user_limit = probe::user_limit() as u64;
    let leaves_user_memory = || {
        CopyFlags::from_bits(source.flags) == Some(CopyFlags::VIRTUAL)
            && source.address < user_limit
            && last.is_none_or(|last| last >= user_limit)
    };
    last.is_none() || leaves_user_memory()
}

/// Copies pieces that end at multiples of [`PIECE`] in the source. The result is that of one copy.
#[inline(never)]
fn copy_in_pieces(
    copier: &Copier<'_, '_>,
    interruption: &mut Interruption<'_>,
    source: Source,
    mut target: VolatileSlice<'_>,
) -> CopyResult {
    let flags = CopyFlags::from_bits_retain(source.flags);
    let mut copy_rest = |before: CopyResult, most: usize| {
        let done = usize::try_from(before.copied).unwrap_or(0);
        let length = source.length.saturating_sub(done).min(most);
        let Some(piece) = target.reborrow().subslice(done, length) else {
            // Not reached: the target is as long as the source.
            return CopyResult::of(NtStatus::INVALID_BUFFER_SIZE);
        };
        let address = source.address.wrapping_add(done as u64);
        let result = copier.copy(flags, address, piece);
        CopyResult {
            copied: before.copied.saturating_add(result.copied),
            flags: before.flags | result.flags,
            ..result
        }
    };
    let end = source.length as u64;
    let mut whole = CopyResult::of(NtStatus::SUCCESS);
    while whole.copied < end {
        let offset = source.address.wrapping_add(whole.copied) & OFFSET_IN_PIECE;
        let to_boundary = (PIECE as u64).saturating_sub(offset);
        let piece = to_boundary.min(end.saturating_sub(whole.copied));
        let piece_end = whole.copied.saturating_add(piece);
        let piece = usize::try_from(piece).unwrap_or(PIECE);
        if let Err(status) = interruption.before(piece) {
            whole.status = status.0;
            return whole;
        }
        whole = copy_rest(whole, piece);
        if whole.fell_back() {
            // The system's engine copies the rest.
            copier.choose(EngineKind::System);
        }
        if whole.status() != NtStatus::SUCCESS {
            let hole_end = whole.copied.saturating_add(whole.hole_length);
            return if piece_end < end && hole_end >= piece_end {
                // How far the hole reaches beyond the piece.
                copy_rest(whole, source.length)
            } else {
                whole
            };
        }
    }
    whole
}

/// Checks that a source is within reach. The caller's own memory always is; the session buffer, by
/// either address, for whoever may know that address; other memory by policy and privilege. The
/// engine refuses invalid flags.
#[inline]
pub(super) fn check_reach(call: &Call<'_>, source: Source) -> Result<(), NtStatus> {
    let memory = Memory::of(CopyFlags::from_bits_retain(source.flags), source.address);
    match memory.map(Memory::reach) {
        Some(needed) if !call.file.reach.contains(needed) => {
            check_without_reach(call, source, needed)
        }
        _ => Ok(()),
    }
}

/// Checks a source that the reach of the handle does not include.
#[inline(never)]
fn check_without_reach(call: &Call<'_>, source: Source, needed: Reach) -> Result<(), NtStatus> {
    if source.length == 0 || is_of_session(call.file, needed, source) {
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

/// Whether all of a source lies in pages of the session buffer. A handle that may not know their
/// addresses may not find them out by trying, either.
fn is_of_session(file: &FileContext, kind: Reach, source: Source) -> bool {
    let Some(session) = file.session.existing().filter(|_| file.privileged) else {
        return false;
    };
    let length = source.length as u64;
    if length > SESSION_LENGTH {
        return false;
    }
    if kind == Reach::SYSTEM_VIRTUAL {
        let offset = source.address.checked_sub(session.address());
        return offset.is_some_and(|offset| offset <= SESSION_LENGTH.saturating_sub(length));
    }
    let page = PAGE_SIZE as u64;
    let pages = session.physical_addresses();
    let first = source.address & !OFFSET_IN_PAGE;
    let last = source.address.saturating_add(length.saturating_sub(1));
    (0..=SESSION_PAGES as u64)
        .map(|number| first.saturating_add(number.saturating_mul(page)))
        .take_while(|frame| *frame <= last)
        .all(|frame| pages.contains(&frame))
}
