//! Copies from the caller's memory to the caller's memory, through a bounded buffer.

use core::mem::size_of;

use ringcopy_protocol::{CopyResponse, CopyResult, NtStatus, kind, validate::CopyThrough};
use usermode_accessors::{Fault, UserReader, UserSlice, UserWriter};

use super::{Call, copy_result, interruption::Interruption};
use crate::{nt::pool::PoolBuffer, trace};

/// The number of bytes copied at a time. A request of any length holds this much pool.
const PIECE: usize = 16 << 10;

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let CopyThrough {
        mode,
        source,
        destination,
        length,
        alignment,
        ..
    } = call.capture::<kind::CopyThrough>()?;
    let mut buffer = PoolBuffer::allocate(PIECE)?;
    call.reserve_response(size_of::<CopyResponse>(), [(destination, length)])?;
    let mode = call.mode(mode);
    let sides = (mode.slice(source, length), mode.slice(destination, length));
    let mut interruption = Interruption::of(call.request);
    let asked = length as u64;
    let result = copy(sides, alignment, &mut buffer, &mut interruption)
        .unwrap_or_else(|fault| copy_result::of_accessor(asked, Err(fault)));
    trace::copied(call.code.kind, asked, &result);
    call.respond_to_caller(&CopyResponse::of(asked, result))
}

/// Probes both whole ranges, then copies. An interrupted copy ends after a piece.
fn copy(
    (source, destination): (UserSlice, UserSlice),
    alignment: usize,
    buffer: &mut PoolBuffer,
    interruption: &mut Interruption<'_>,
) -> Result<CopyResult, Fault> {
    let mut reader = source.reader_aligned(alignment)?;
    let mut writer = destination.writer()?;
    let mut status = NtStatus::SUCCESS;
    while reader.remaining() > 0 {
        if let Err(interrupted) = interruption.before(reader.remaining().min(PIECE)) {
            status = interrupted;
            break;
        }
        let moved = copy_piece(&mut reader, &mut writer, buffer);
        moved.map_err(|mut fault| {
            fault.copied = writer.position();
            fault
        })?;
    }
    Ok(CopyResult {
        copied: writer.position() as u64,
        ..CopyResult::of(status)
    })
}

/// Copies one piece. The bytes read before a fault are still written, so that the writer's position
/// is the exact count for both sides.
fn copy_piece(
    reader: &mut UserReader,
    writer: &mut UserWriter,
    buffer: &mut PoolBuffer,
) -> Result<(), Fault> {
    let length = reader.remaining().min(PIECE);
    let start = reader.position();
    // No piece is longer than the buffer.
    let piece = buffer.as_volatile().subslice(0, length);
    let read = piece.map_or(Ok(()), |piece| reader.read_volatile(piece));
    let arrived = reader.position().saturating_sub(start);
    if let Some(piece) = buffer.as_volatile().subslice(0, arrived) {
        writer.write_volatile(&piece)?;
    }
    read
}
