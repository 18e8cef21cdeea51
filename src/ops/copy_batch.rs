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
    neighbours,
};
use crate::trace;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let request = call.capture::<kind::CopyBatch>()?;
    let captured = Captured::of(call, &request)?;
    let entries = captured.as_slice()?;
    let length = request.output_length(entries)?;
    let mut output = call.request.output(length)?;
    let ram = call.device.engines.ram();
    let mut copier = call.device.engines.copier(request.engine, &ram);
    let mut interruption = Interruption::of(call.request);
    let mut tally = Tally::of(request.count);
    let mut slot = validate::results_end(entries.len());
    let mut number = 0;
    while let Some(entry) = entries.get(number) {
        if let Some(rest) = entries.get(number..)
            && copier.reads_pages()
            && neighbours::may_begin(rest)
            && interruption.allows_run()
        {
            let by = (&copier, &mut interruption);
            let place = (number, slot);
            let (served, end) = neighbours::serve(call, by, rest, &mut output, place, &mut tally)?;
            if served > 0 {
                number = number.saturating_add(served);
                slot = end;
                continue;
            }
        }
        let source = entry.source();
        let target = output
            .reborrow()
            .subslice(slot, source.length)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        let result = match interruption.before_entry(source.length) {
            Ok(()) => copy_memory::copy(call, &mut copier, &mut interruption, source, target),
            Err(status) => CopyResult::of(status),
        };
        trace::copied(call.code.kind, source.length as u64, &result);
        tally.count(&result);
        write(
            &mut output,
            validate::result_offset(number),
            result.as_bytes(),
        )?;
        slot = slot.saturating_add(source.length);
        number = number.saturating_add(1);
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
