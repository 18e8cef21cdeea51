//! Copies many pieces of virtual or physical memory into the output.

use ringcopy_protocol::{
    CopyResult, NtStatus, kind,
    validate::{self, Entry},
};
use usermode_accessors::VolatileSlice;
use zerocopy::IntoBytes;

use super::{
    Call, copy_memory,
    entries::{Captured, Tally},
    interruption::Interruption,
    run::{Place, Runs},
};
use crate::trace;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let request = call.capture::<kind::CopyBatch>()?;
    let captured = Captured::of(call, &request)?;
    let entries = captured.as_slice()?;
    let length = request.output_length(entries)?;
    let mut output = call.request.output(length)?;
    let ram = call.device.engines.ram();
    let copier = call.device.engines.copier(request.engine, &ram);
    let mut interruption = Interruption::of(call.request);
    let mut tally = Tally::of(request.count);
    let mut place = Place {
        number: 0,
        slot: validate::results_end(entries.len()),
    };
    let mut runs = Runs::of(call, &copier);
    while let Some(rest @ [entry, ..]) = entries.get(place.number..) {
        if let Some(runs) = &mut runs {
            let next = runs.serve(rest, place, &mut output, &mut interruption, &mut tally)?;
            if next.number > place.number {
                place = next;
                continue;
            }
        }
        let source = entry.source();
        let target = output
            .reborrow()
            .subslice(place.slot, source.length)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        let result = match interruption.before_entry(source.length) {
            Ok(()) => copy_memory::copy(call, &copier, &mut interruption, source, target),
            Err(status) => CopyResult::of(status),
        };
        trace::copied(call.code.kind, source.length as u64, &result);
        tally.count(&result);
        write(
            &mut output,
            validate::result_offset(place.number),
            result.as_bytes(),
        )?;
        place = place.after(1, source.length);
    }
    write(&mut output, 0, tally.response().as_bytes())?;
    Ok(length)
}

/// Writes the part of the output at `offset`, which the validated output can hold.
pub(super) fn write(
    output: &mut VolatileSlice<'_>,
    offset: usize,
    bytes: &[u8],
) -> Result<(), NtStatus> {
    output
        .reborrow()
        .subslice(offset, bytes.len())
        .and_then(|mut place| place.copy_from_slice(bytes).ok())
        .ok_or(NtStatus::BUFFER_TOO_SMALL)
}
