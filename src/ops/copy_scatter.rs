//! Copies many pieces of virtual or physical memory, each to its own address in the caller's memory.

use mm_copy::CopyFlags;
use ringcopy_protocol::{
    BatchResponse, CopyResult, EngineKind, NtStatus, ResultFlags, ScatterEntry, kind,
    validate::{self, Entry, Source},
};
use usermode_accessors::UserWriter;
use zerocopy::IntoBytes;

use super::{
    Call,
    copy_memory::check_reach,
    copy_result,
    entries::{Captured, Tally},
};
use crate::{engine::RamOfRequest, nt::pool::PoolBuffer, trace};

/// The number of bytes copied at a time. A request holds this much pool, and its entries.
const PIECE: usize = 16 << 10;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let request = call.capture::<kind::CopyScatter>()?;
    let captured = Captured::of(call, &request)?;
    let entries = captured.as_slice()?;
    let length = request.output_length(entries)?;
    let mut buffer = PoolBuffer::allocate(PIECE)?;
    call.fill_response(length)?;
    let ram = call.device.engines.ram();
    let mut tally = Tally::of(request.count);
    for (number, entry) in entries.iter().enumerate() {
        let result = copy_entry(call, (request.engine, &ram), entry, &mut buffer);
        trace::copied(call.code.kind, entry.source().length as u64, &result);
        tally.count(&result);
        call.write_to_caller(validate::result_offset(number), result.as_bytes())?;
    }
    call.respond_to_caller::<BatchResponse>(tally.response())?;
    Ok(length)
}

/// Checks the policy, then the whole target, before it reads anything.
fn copy_entry(
    call: &Call<'_>,
    engine: (EngineKind, &RamOfRequest<'_>),
    entry: &ScatterEntry,
    buffer: &mut PoolBuffer,
) -> CopyResult {
    let source = entry.source();
    let target = match check_reach(call, source).and_then(|()| validate::address(entry.target)) {
        Ok(target) => target,
        Err(status) => return CopyResult::of(status),
    };
    let target = call.requestor().slice(target, source.length);
    match target.writer() {
        Ok(writer) => copy(call, engine, source, writer, buffer),
        Err(fault) => copy_result::of_accessor(0, Err(fault)),
    }
}

/// Copies up to the end, or to the first byte that cannot be read or written. The bytes read before
/// a stop are still written, so that the count is exact for both sides.
fn copy(
    call: &Call<'_>,
    (mut engine, ram): (EngineKind, &RamOfRequest<'_>),
    source: Source,
    mut writer: UserWriter,
    buffer: &mut PoolBuffer,
) -> CopyResult {
    let flags = CopyFlags::from_bits_retain(source.flags);
    let mut fell_back = ResultFlags::empty();
    loop {
        let done = writer.position();
        let address = source.address.wrapping_add(done as u64);
        let length = writer.remaining().min(PIECE);
        let Some(piece) = buffer.as_volatile().subslice(0, length) else {
            // Not reached: no piece is longer than the buffer.
            return CopyResult::of(NtStatus::INVALID_BUFFER_SIZE);
        };
        let read = call
            .device
            .engines
            .copier(engine, ram)
            .copy(flags, address, piece);
        if read.fell_back() {
            // The system's engine copies the rest of the entry.
            fell_back = ResultFlags::FELL_BACK;
            engine = EngineKind::System;
        }
        let copied = usize::try_from(read.copied).unwrap_or(0);
        let written = buffer
            .as_volatile()
            .subslice(0, copied)
            .map_or(Ok(()), |piece| writer.write_volatile(&piece));
        let result = match written {
            Err(fault) => copy_result::of_accessor(0, Err(fault)),
            Ok(()) if writer.remaining() > 0 && read.status() == NtStatus::SUCCESS => continue,
            Ok(()) => read,
        };
        return CopyResult {
            copied: writer.position() as u64,
            engine: read.engine,
            flags: fell_back.bits(),
            ..result
        };
    }
}
