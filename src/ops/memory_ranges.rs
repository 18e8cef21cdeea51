//! Returns the ranges of physical memory that are RAM.

use core::mem::size_of;

use ringcopy_protocol::{Header, MemoryRange, MemoryRangesResponse, NtStatus, kind};
use zerocopy::IntoBytes;

use super::Call;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let request = call.capture::<kind::MemoryRanges>()?;
    let ram = call.device.engines.ram();
    let all = ram.as_slice();
    let ranges = all.get(request.of(all.len())).unwrap_or_default();
    let size = size_of::<MemoryRange>();
    let length = ranges.len().saturating_mul(size);
    let mut output = call.output(length)?;
    let mut rest = output.payload.reborrow();
    for range in ranges {
        let range = MemoryRange {
            base: range.start,
            length: range.length,
        };
        let (mut next, after) = rest
            .split_at_checked(size)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        next.copy_from_slice(range.as_bytes())
            .map_err(|_| NtStatus::BUFFER_TOO_SMALL)?;
        rest = after;
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let response = MemoryRangesResponse {
        header: Header::of::<MemoryRangesResponse>(),
        count: count(ranges.len()),
        total: count(all.len()),
    };
    output.respond(&response, length)
}
