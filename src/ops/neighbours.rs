//! Entries of a batch, one after another, that lie in one page: the page is looked up and mapped once
//! for all of them.

use mm_copy::CopyFlags;
use ringcopy_protocol::{BatchEntry, CopyResult, EngineKind, NtStatus, Reach, validate};
use usermode_accessors::VolatileSlice;
use zerocopy::IntoBytes;

use super::{
    Call,
    entries::Tally,
    interruption::{Interruption, RUN},
};
use crate::{engine::Copier, nt::PAGE_SIZE};

/// The bits of an address that name its page.
const PAGE: u64 = !(PAGE_SIZE as u64 - 1);

/// The number of results that are written at a time.
const RESULTS: usize = 16;

/// Returns whether the first two entries may be served together: what can be said of them at little cost,
/// since it is asked before every entry. User memory is not read by pages.
#[inline]
pub fn may_begin(entries: &[BatchEntry]) -> bool {
    let [first, second, ..] = entries else {
        return false;
    };
    let is_of_system = first.flags == CopyFlags::PHYSICAL.bits() || first.address >> 63 != 0;
    is_of_system && (first.address ^ second.address) & PAGE == 0
}

/// Serves the first of `entries` that lie in one page, as far as the native engine reads them whole.
/// Their results are from number `first` on, their bytes from `slot` on. Returns how many were served,
/// and the end of their bytes. The rest is to be served one by one.
pub fn serve(
    call: &Call<'_>,
    (copier, interruption): (&Copier<'_, '_>, &mut Interruption<'_>),
    entries: &[BatchEntry],
    output: &mut VolatileSlice<'_>,
    (first, slot): (usize, usize),
    tally: &mut Tally,
) -> Result<(usize, usize), NtStatus> {
    let served = read(call, (copier, interruption), entries, output, slot);
    if served == 0 {
        return Ok((0, slot));
    }
    let entries = entries.get(..served).unwrap_or_default();
    let mut number = first;
    let mut bytes = 0_u64;
    let mut results = [CopyResult {
        engine: EngineKind::Native as u32,
        ..CopyResult::of(NtStatus::SUCCESS)
    }; RESULTS];
    for entries in entries.chunks(RESULTS) {
        for (result, entry) in results.iter_mut().zip(entries) {
            result.copied = entry.length.into();
            bytes = bytes.wrapping_add(result.copied);
        }
        let results = results.get(..entries.len()).unwrap_or_default();
        super::copy_batch::write(output, validate::result_offset(number), results.as_bytes())?;
        number = number.saturating_add(entries.len());
    }
    tally.count_complete(served, bytes);
    // The bytes are in the output, whose length is a usize.
    #[expect(clippy::cast_possible_truncation)]
    let end = slot.saturating_add(bytes as usize);
    Ok((served, end))
}

/// Reads the bytes of the entries. Returns how many were read. A function of its own, so that its loop has
/// the registers to itself.
#[inline(never)]
fn read(
    call: &Call<'_>,
    (copier, interruption): (&Copier<'_, '_>, &mut Interruption<'_>),
    entries: &[BatchEntry],
    output: &mut VolatileSlice<'_>,
    slot: usize,
) -> usize {
    let Some(first) = entries.first() else {
        return 0;
    };
    let page = first.address & PAGE;
    let flags = CopyFlags::from_bits_retain(first.flags);
    let needed = match flags {
        CopyFlags::PHYSICAL => Reach::PHYSICAL,
        CopyFlags::VIRTUAL => Reach::SYSTEM_VIRTUAL,
        _ => return 0,
    };
    if !call.file.reach.contains(needed) {
        return 0;
    }
    let Some(reader) = copier.page(flags, first.address) else {
        return 0;
    };
    // The bytes of entries that follow each other do so in the output, too: they are one piece.
    let follows = |before: &BatchEntry, next: &BatchEntry| {
        let end = next
            .address
            .wrapping_sub(page)
            .saturating_add(next.length.into());
        next.address == before.address.wrapping_add(before.length.into())
            && next.flags == before.flags
            && end <= PAGE_SIZE as u64
    };
    let entries = entries.get(..RUN).unwrap_or(entries);
    let length = output.len().saturating_sub(slot);
    let mut rest = output.reborrow().subslice(slot, length);
    let mut taken = 0_usize;
    let mut counts = (0_usize, 0_usize);
    let pieces = entries.chunk_by(follows).map_while(|run| {
        let (first, last) = (run.first()?, run.last()?);
        let end = last.address.wrapping_add(last.length.into());
        let length = usize::try_from(end.wrapping_sub(first.address)).ok()?;
        // An offset that is not in the page ends the reading.
        let offset = usize::try_from(first.address.wrapping_sub(page)).ok()?;
        // Neither does it go on where it is time to look for an interruption.
        interruption.count(run.len(), length)?;
        let (target, left) = rest.take()?.split_at_checked(length)?;
        rest = Some(left);
        taken = taken.wrapping_add(1);
        counts = (counts.1, counts.1.wrapping_add(run.len()));
        (first.flags == flags.bits()).then_some((offset, target))
    });
    // What was taken last may not have been read.
    let read = reader.read_pieces(pieces);
    if read == taken { counts.1 } else { counts.0 }
}
