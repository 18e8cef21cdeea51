//! Requests of many copies, and their results.

use ringcopy_client::protocol::{
    BatchEntry, CopyFlags, CopyResult, Direction, EngineKind, NtStatus, RequestKind, ScatterEntry,
    validate,
};

use crate::{BatchOutput, UNTOUCHED, Victim, batch, scatter};

/// Flags of an entry whose source is a virtual address.
pub const VIRTUAL: u32 = CopyFlags::VIRTUAL.bits();
/// Flags of an entry whose source is a physical address.
pub const PHYSICAL: u32 = CopyFlags::PHYSICAL.bits();

/// An entry of a batch.
#[must_use]
pub const fn entry(address: u64, length: u32, flags: u32) -> BatchEntry {
    BatchEntry {
        address,
        length,
        flags,
    }
}

/// The entry of a scattered copy that copies the same source to `target`.
#[must_use]
pub const fn to_target(entry: &BatchEntry, target: u64) -> ScatterEntry {
    ScatterEntry {
        source: entry.address,
        target,
        length: entry.length,
        flags: entry.flags,
    }
}

/// Sends a batch. Returns the result of each entry, and its part of the output.
///
/// # Panics
/// If the request as a whole fails.
#[must_use]
pub fn copy_batch(
    victim: &mut Victim<'_>,
    engine: EngineKind,
    entries: &[BatchEntry],
) -> Vec<(CopyResult, Vec<u8>)> {
    let total: u32 = entries.iter().map(|entry| entry.length).sum();
    let mut output = vec![UNTOUCHED; validate::results_end(entries.len()) + total as usize];
    let input = batch(engine, entries);
    let sent = victim.send(RequestKind::CopyBatch, &input, &mut output);
    assert_eq!(sent, Ok(output.len()));
    let batch = BatchOutput::read(&output);
    let mut bytes = &output[batch.bytes_at..];
    let slots = entries.iter().map(|entry| {
        let (slot, rest) = bytes.split_at(entry.length as usize);
        bytes = rest;
        slot.to_vec()
    });
    batch.results.into_iter().zip(slots).collect()
}

/// Sends a scattered copy. Returns the result of each entry.
///
/// # Panics
/// If the request as a whole fails.
#[must_use]
pub fn copy_scatter(
    victim: &mut Victim<'_>,
    engine: EngineKind,
    entries: &[ScatterEntry],
) -> Vec<CopyResult> {
    let mut output = vec![UNTOUCHED; validate::results_end(entries.len())];
    let input = scatter(engine, entries);
    let sent = victim.send(RequestKind::CopyScatter, &input, &mut output);
    assert_eq!(sent, Ok(output.len()));
    BatchOutput::read(&output).results
}

/// Compares the result of an entry with what it has to be.
///
/// # Panics
/// If they differ.
#[track_caller]
pub fn assert_result(result: &CopyResult, status: NtStatus, copied: u64, direction: Direction) {
    assert_eq!(
        (result.status(), result.copied, result.direction),
        (status, copied, direction as u32),
        "{result:X?}"
    );
}
