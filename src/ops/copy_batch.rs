//! Copies many pieces of virtual or physical memory into the output.

use ringcopy_protocol::{BatchEntry, BatchRequest, EntryResult, NtStatus, judge};
use usermode_accessors::VolatileSlice;
use zerocopy::IntoBytes;

use super::{
    Call,
    copy_memory::{self, Source},
    entries::{Captured, Tally},
};
use crate::engine::Copier;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let request: BatchRequest = call.capture()?;
    let captured = Captured::<BatchEntry>::of(call, &request)?;
    let entries = captured.as_slice()?;
    let judged = captured.judged;
    let length = judged.output_length(entries, call.lengths())?;
    let mut output = call.request.output(length)?;
    let copier = call.device.engines.copier(judged.engine);
    let mut tally = Tally::of(&judged);
    let mut slot = judge::results_end(judged.count);
    for (number, entry) in entries.iter().enumerate() {
        let result = copy_entry(call, &copier, entry, &mut output, slot)?;
        tally.count(&result);
        write(&mut output, judge::result_offset(number), result.as_bytes())?;
        slot = slot.saturating_add(entry.length as usize);
    }
    write(&mut output, 0, tally.response().as_bytes())?;
    Ok(length)
}

fn copy_entry(
    call: &Call<'_>,
    copier: &Copier<'_>,
    entry: &BatchEntry,
    output: &mut VolatileSlice<'_>,
    slot: usize,
) -> Result<EntryResult, NtStatus> {
    let target = output
        .reborrow()
        .subslice(slot, entry.length as usize)
        .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
    let source = Source {
        flags: entry.flags,
        address: entry.address,
        length: entry.length.into(),
    };
    Ok(copy_memory::copy(call, copier, source, target))
}

/// Writes a part of the output, which was judged to have room for it.
fn write(output: &mut VolatileSlice<'_>, offset: usize, bytes: &[u8]) -> Result<(), NtStatus> {
    output
        .reborrow()
        .subslice(offset, bytes.len())
        .and_then(|mut place| place.copy_from_slice(bytes).ok())
        .ok_or(NtStatus::BUFFER_TOO_SMALL)
}
