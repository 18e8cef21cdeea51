//! Many copies in one request, by the driver: what is asked, and what is answered.

use ringcopy_client::protocol::{
    BatchEntry, CopyMemoryFlags, Direction, Engine, EntryResult, NtStatus, RequestKind,
    ScatterEntry, judge,
};

use crate::{Outcome, Served, Victim, batch, outcome, scatter};

/// What room for an answer holds where nothing was written.
pub const UNTOUCHED: u8 = 0xEE;

/// An entry's source is a virtual address.
pub const VIRTUAL: u32 = CopyMemoryFlags::VIRTUAL.bits();
/// An entry's source is a physical address.
pub const PHYSICAL: u32 = CopyMemoryFlags::PHYSICAL.bits();

/// An entry of a batch: bytes at an address, of the kind that the flags say.
#[must_use]
pub const fn entry(address: u64, length: u32, flags: u32) -> BatchEntry {
    BatchEntry {
        address,
        length,
        flags,
    }
}

/// A batch's answer: its results, and the slot of each entry.
///
/// # Panics
/// If the request as a whole fails.
#[must_use]
pub fn copy_batch(
    victim: &mut Victim<'_>,
    engine: Engine,
    entries: &[BatchEntry],
) -> Vec<(EntryResult, Vec<u8>)> {
    let total: u32 = entries.iter().map(|entry| entry.length).sum();
    let mut output = vec![UNTOUCHED; judge::results_end(entries.len()) + total as usize];
    let input = batch(engine, entries);
    let answer = victim.send(RequestKind::CopyBatch, &input, &mut output);
    assert_eq!(outcome(answer), Outcome::Done(output.len()));
    let served = Served::read(&output);
    let mut bytes = &output[served.bytes_at..];
    let slots = entries.iter().map(|entry| {
        let (slot, rest) = bytes.split_at(entry.length as usize);
        bytes = rest;
        slot.to_vec()
    });
    served.results.into_iter().zip(slots).collect()
}

/// A scattered copy's answer: its results.
///
/// # Panics
/// If the request as a whole fails.
#[must_use]
pub fn copy_scatter(
    victim: &mut Victim<'_>,
    engine: Engine,
    entries: &[ScatterEntry],
) -> Vec<EntryResult> {
    let mut output = vec![UNTOUCHED; judge::results_end(entries.len())];
    let input = scatter(engine, entries);
    let answer = victim.send(RequestKind::CopyScatter, &input, &mut output);
    assert_eq!(outcome(answer), Outcome::Done(output.len()));
    Served::read(&output).results
}

/// Holds what an entry came to against what it should have come to.
///
/// # Panics
/// If they differ.
#[track_caller]
pub fn assert_result(result: &EntryResult, status: NtStatus, copied: u64, direction: Direction) {
    assert_eq!(
        (NtStatus(result.status), result.copied, result.direction),
        (status, copied, direction as u32),
        "{result:X?}"
    );
}
