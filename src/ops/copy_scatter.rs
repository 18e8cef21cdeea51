//! Copies many pieces of virtual or physical memory, each to its own place in the caller's.

use mm_copy::CopyFlags;
use ringcopy_protocol::{
    BatchResponse, EngineKind, EntryResult, NtStatus, ScatterEntry, TransferFlags, kind,
    validate::{self, Entry, Source},
};
use usermode_accessors::UserWriter;
use zerocopy::IntoBytes;

use super::{
    Call,
    copy_memory::check_reach,
    entries::{Captured, Tally},
    transfer,
};
use crate::{
    engine::{Copied, RamOfRequest},
    nt::pool::PoolBuffer,
};

/// Bytes copied at a time: with the entries, what a request holds of pool.
const PIECE: usize = 16 << 10;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let judged = call.capture::<kind::CopyScatter>()?;
    let captured = Captured::of(call, &judged)?;
    let entries = captured.as_slice()?;
    let length = judged.output_length(entries)?;
    let mut buffer = PoolBuffer::allocate(PIECE)?;
    call.fill_response(length)?;
    let ram = call.device.engines.ram();
    let mut tally = Tally::of(judged.count);
    for (number, entry) in entries.iter().enumerate() {
        let result = copy_entry(call, (judged.engine, &ram), entry, &mut buffer);
        tally.count(&result);
        call.write_to_caller(validate::result_offset(number), result.as_bytes())?;
    }
    call.respond_to_caller::<BatchResponse>(tally.response())?;
    Ok(length)
}

/// Policy first, then the whole target: nothing is read for a place that nothing may go to.
fn copy_entry(
    call: &Call<'_>,
    engine: (EngineKind, &RamOfRequest<'_>),
    entry: &ScatterEntry,
    buffer: &mut PoolBuffer,
) -> EntryResult {
    let source = entry.source();
    let target = match check_reach(call, source).and_then(|()| validate::address(entry.target)) {
        Ok(target) => target,
        Err(status) => return transfer::refused(status),
    };
    let target = call.requestor().slice(target, source.length);
    match target.writer() {
        Ok(writer) => copy(call, engine, source, writer, buffer),
        Err(fault) => transfer::of_accessor(0, Err(fault)),
    }
}

/// Goes on to the end, or to the first byte that cannot be read or written. What was read before
/// a stop is still written, so that the count is exact on either side.
fn copy(
    call: &Call<'_>,
    (mut engine, ram): (EngineKind, &RamOfRequest<'_>),
    source: Source,
    mut writer: UserWriter,
    buffer: &mut PoolBuffer,
) -> EntryResult {
    let flags = CopyFlags::from_bits_retain(source.flags);
    let mut fell_back = false;
    loop {
        let done = writer.position();
        let address = source.address.wrapping_add(done as u64);
        let length = writer.remaining().min(PIECE);
        let Some(piece) = buffer.as_volatile().subslice(0, length) else {
            // Not reached: no piece is longer than the buffer.
            return transfer::refused(NtStatus::INVALID_BUFFER_SIZE);
        };
        let read = match call
            .device
            .engines
            .copier(engine, ram)
            .copy(flags, address, piece)
        {
            Ok(read) => read,
            Err(status) => return transfer::refused(status),
        };
        if read.fell_back {
            // The rest of the entry is the system's.
            fell_back = true;
            engine = EngineKind::System;
        }
        let arrived = read.transfer.transferred;
        let written = buffer
            .as_volatile()
            .subslice(0, arrived)
            .map_or(Ok(()), |piece| writer.write_volatile(&piece));
        let result = match written {
            Err(fault) => transfer::of_accessor(0, Err(fault)),
            Ok(()) if writer.remaining() > 0 && read.transfer.is_complete() => continue,
            Ok(()) => transfer::of_engine(&read),
        };
        return finished(result, &read, writer.position(), fell_back);
    }
}

/// The result of the last piece as that of the whole entry.
const fn finished(
    result: EntryResult,
    last: &Copied,
    copied: usize,
    fell_back: bool,
) -> EntryResult {
    let flags = if fell_back {
        TransferFlags::FELL_BACK
    } else {
        TransferFlags::empty()
    };
    EntryResult {
        copied: copied as u64,
        engine: last.engine as u32,
        flags: flags.bits(),
        ..result
    }
}
