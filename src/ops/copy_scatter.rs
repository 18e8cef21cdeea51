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
    interruption::Interruption,
};
use crate::{engine::Copier, nt::pool::PoolBuffer, trace};

/// The number of bytes copied at a time. A request holds this much pool, and its entries.
const PIECE: usize = 16 << 10;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let request = call.capture::<kind::CopyScatter>()?;
    let captured = Captured::of(call, &request)?;
    let entries = captured.as_slice()?;
    let length = request.output_length(entries)?;
    let buffer = PoolBuffer::allocate(PIECE)?;
    call.reserve_response(length, entries.iter().filter_map(target_of))?;
    let ram = call.device.engines.ram();
    let mut copies = Copies {
        call,
        copier: call.device.engines.copier(request.engine, &ram),
        interruption: Interruption::of(call.request),
        buffer,
    };
    let mut tally = Tally::of(request.count);
    for (number, entry) in entries.iter().enumerate() {
        let result = copies.serve(entry);
        trace::copied(call.code.kind, entry.source().length as u64, &result);
        tally.count(&result);
        call.write_to_caller(validate::result_offset(number), result.as_bytes())?;
    }
    call.respond_to_caller::<BatchResponse>(tally.response())?;
    Ok(length)
}

/// The bytes that an entry writes.
fn target_of(entry: &ScatterEntry) -> Option<(usize, usize)> {
    let target = validate::address(entry.target).ok()?;
    Some((target, entry.source().length))
}

/// The copies of one request.
struct Copies<'a, 'r> {
    call: &'a Call<'a>,
    copier: Copier<'a, 'r>,
    interruption: Interruption<'a>,
    buffer: PoolBuffer,
}

impl Copies<'_, '_> {
    /// Checks the policy, then the whole target, before it reads anything.
    fn serve(&mut self, entry: &ScatterEntry) -> CopyResult {
        let source = entry.source();
        let target = self
            .interruption
            .before_entry(source.length)
            .and_then(|()| check_reach(self.call, source))
            .and_then(|()| validate::address(entry.target));
        let target = match target {
            Ok(target) => self.call.requestor().slice(target, source.length),
            Err(status) => return CopyResult::of(status),
        };
        match target.writer() {
            Ok(writer) => {
                let choice = self.copier.choice();
                let result = self.copy(source, writer);
                self.copier.choose(choice);
                result
            }
            Err(fault) => copy_result::of_accessor(0, Err(fault)),
        }
    }

    /// Copies up to the end, or to the first byte that cannot be read or written. The bytes read
    /// before a stop are still written, so that the count is exact for both sides.
    fn copy(&mut self, source: Source, mut writer: UserWriter) -> CopyResult {
        let flags = CopyFlags::from_bits_retain(source.flags);
        let mut fell_back = ResultFlags::empty();
        let mut last = EngineKind::Auto as u32;
        loop {
            let done = writer.position();
            let address = source.address.wrapping_add(done as u64);
            let length = writer.remaining().min(PIECE);
            if let Err(status) = self.interruption.before(length) {
                return CopyResult {
                    copied: done as u64,
                    engine: last,
                    flags: fell_back.bits(),
                    ..CopyResult::of(status)
                };
            }
            let Some(piece) = self.buffer.as_volatile().subslice(0, length) else {
                // Not reached: no piece is longer than the buffer.
                return CopyResult::of(NtStatus::INVALID_BUFFER_SIZE);
            };
            let read = self.copier.copy(flags, address, piece);
            last = read.engine;
            if read.fell_back() {
                // The system's engine copies the rest of the entry.
                fell_back = ResultFlags::FELL_BACK;
                self.copier.choose(EngineKind::System);
            }
            let copied = usize::try_from(read.copied).unwrap_or(0);
            let written = self
                .buffer
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
}
