//! Many copies in one request, and the list of RAM.

use ringcopy_protocol::{
    BatchEntry, BatchRequest, BatchResponse, CopyFlags, EngineKind, EntryResult, Header,
    MAXIMUM_ENTRIES, MAXIMUM_LENGTH, MemoryRange, MemoryRangesRequest, MemoryRangesResponse,
    RequestKind, ScatterEntry, ScatterRequest,
};
use std::mem::size_of;
use zerocopy::IntoBytes;

use crate::{
    Device, Error, Operation, ResponseError, Source, Transfer, Transport,
    judge::{self, Question},
};

/// Ranges of RAM that one request has room for.
const RANGES_PER_REQUEST: usize = 256;

/// More ranges of RAM than this are an answer that makes no sense: machines have tens.
const MAXIMUM_RANGES: u32 = 1 << 16;

/// What slots hold before the driver fills them, so that a byte too many shows.
const UNTOUCHED: u8 = 0xA5;

/// One piece of memory for [`Device::copy_batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first byte.
    pub source: Source,
    /// Bytes; 0 copies nothing.
    pub length: u32,
}

/// One piece of memory for [`Device::copy_scatter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterPiece {
    /// The first byte read.
    pub source: Source,
    /// The first byte written, in the caller's memory.
    pub target: u64,
    /// Bytes; 0 copies and checks nothing.
    pub length: u32,
}

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What became of each piece, in the order asked.
    pub transfers: Vec<Transfer>,
    /// A slot of its full length for each piece, one behind the other; zeros where nothing arrived.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// Each piece's outcome, and the bytes of it that arrived.
    pub fn pieces(&self) -> impl Iterator<Item = (&Transfer, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.transfers.iter().map(move |transfer| {
            let (slot, behind) = split(rest, transfer.asked);
            rest = behind;
            (transfer, split(slot, transfer.copied).0)
        })
    }
}

fn split(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    bytes.split_at(at.min(bytes.len()))
}

impl<T: Transport + ?Sized> Device<'_, T> {
    /// Copies many pieces of virtual or physical memory, in as few requests as carry them: each
    /// takes [`MAXIMUM_ENTRIES`] pieces and [`MAXIMUM_LENGTH`] bytes. What becomes of one piece
    /// changes nothing for the others.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` where a single piece is longer than
    /// [`MAXIMUM_LENGTH`]. What earlier requests copied is then lost.
    pub fn copy_batch(&mut self, pieces: &[Piece], engine: EngineKind) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        for pieces in requests(pieces, |piece| piece.length) {
            self.one_batch(pieces, engine, &mut batch)?;
        }
        Ok(batch)
    }

    /// Copies many pieces of virtual or physical memory, each to its own place in the caller's
    /// memory, in their order: where targets overlap, the later piece wins. Requests are split as
    /// by [`copy_batch`](Self::copy_batch).
    ///
    /// # Errors
    /// As [`copy_batch`](Self::copy_batch). What earlier requests copied stays.
    pub fn copy_scatter(
        &mut self,
        pieces: &[ScatterPiece],
        engine: EngineKind,
    ) -> Result<Vec<Transfer>, Error> {
        let mut transfers = Vec::with_capacity(pieces.len());
        for pieces in requests(pieces, |piece| piece.length) {
            let mut input = ScatterRequest {
                header: Header::of::<ScatterRequest>(),
                count: count_of(pieces),
                engine: engine as u32,
            }
            .as_bytes()
            .to_vec();
            for piece in pieces {
                let (flags, source) = on_the_wire(piece.source);
                let entry = ScatterEntry {
                    source,
                    target: piece.target,
                    length: piece.length,
                    flags: flags.bits(),
                };
                input.extend_from_slice(entry.as_bytes());
            }
            let operation = Operation::Request(RequestKind::CopyScatter);
            let questions: Vec<_> = pieces
                .iter()
                .map(|piece| question(operation, piece.source, piece.length, engine))
                .collect();
            let mut output = vec![0; fixed_part(pieces.len())];
            let returned = self.request(RequestKind::CopyScatter, &input, &mut output)?;
            transfers.extend(
                judge::batch(&questions, &output, returned, false)
                    .map_err(|reason| Error::Response { operation, reason })?,
            );
        }
        Ok(transfers)
    }

    /// Which physical memory is RAM: ranges that do not overlap, in the order of their addresses.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_DEVICE_REQUEST` from a driver that does not know the
    /// request. It needs no reach: where RAM is, a handle may always ask.
    pub fn memory_ranges(&mut self) -> Result<Vec<MemoryRange>, Error> {
        let operation = Operation::Request(RequestKind::MemoryRanges);
        let nonsense = |reason| Error::Response { operation, reason };
        let mut ranges: Vec<MemoryRange> = Vec::new();
        let mut expected = None;
        loop {
            // No list is longer than `MAXIMUM_RANGES`.
            let first = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
            let request = MemoryRangesRequest {
                header: Header::of::<MemoryRangesRequest>(),
                first,
                reserved: 0,
            };
            let room =
                size_of::<MemoryRangesResponse>() + RANGES_PER_REQUEST * size_of::<MemoryRange>();
            let mut output = vec![0; room];
            let returned =
                self.request(RequestKind::MemoryRanges, request.as_bytes(), &mut output)?;
            let (total, page) = judge::memory_ranges(first, &output, returned).map_err(nonsense)?;
            if total > MAXIMUM_RANGES || expected.is_some_and(|expected| expected != total) {
                return Err(nonsense(ResponseError::Field("total", total.into())));
            }
            expected = Some(total);
            ranges.extend(page);
            if ranges.len() >= total as usize {
                break;
            }
        }
        ranges.sort_unstable_by_key(|range| range.base);
        for pair in ranges.windows(2) {
            if let [one, next] = pair
                && next.base - one.base < one.length
            {
                return Err(nonsense(ResponseError::Field("base", next.base)));
            }
        }
        Ok(ranges)
    }

    fn one_batch(
        &mut self,
        pieces: &[Piece],
        engine: EngineKind,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let operation = Operation::Request(RequestKind::CopyBatch);
        let mut input = BatchRequest {
            header: Header::of::<BatchRequest>(),
            count: count_of(pieces),
            engine: engine as u32,
        }
        .as_bytes()
        .to_vec();
        for piece in pieces {
            let (flags, address) = on_the_wire(piece.source);
            let entry = BatchEntry {
                address,
                length: piece.length,
                flags: flags.bits(),
            };
            input.extend_from_slice(entry.as_bytes());
        }
        let questions: Vec<_> = pieces
            .iter()
            .map(|piece| question(operation, piece.source, piece.length, engine))
            .collect();
        let fixed = fixed_part(pieces.len());
        let slots: u64 = pieces.iter().map(|piece| u64::from(piece.length)).sum();
        let mut output = vec![0; fixed];
        output.resize(
            fixed.saturating_add(usize::try_from(slots).unwrap_or(usize::MAX)),
            UNTOUCHED,
        );
        let returned = self.request(RequestKind::CopyBatch, &input, &mut output)?;
        let nonsense = |reason| Error::Response { operation, reason };
        let transfers = judge::batch(&questions, &output, returned, true).map_err(nonsense)?;
        let mut bytes = output.split_off(fixed);
        clear(&transfers, &mut bytes).map_err(nonsense)?;
        batch.transfers.extend(transfers);
        if batch.bytes.is_empty() {
            batch.bytes = bytes;
        } else {
            batch.bytes.extend_from_slice(&bytes);
        }
        Ok(())
    }
}

/// Makes zeros of what did not arrive, where it was left alone.
fn clear(transfers: &[Transfer], bytes: &mut [u8]) -> Result<(), ResponseError> {
    let mut rest = bytes;
    for (number, transfer) in transfers.iter().enumerate() {
        let length = usize::try_from(transfer.asked).unwrap_or(usize::MAX);
        let (slot, behind) = rest.split_at_mut(length.min(rest.len()));
        rest = behind;
        let copied = usize::try_from(transfer.copied).unwrap_or(usize::MAX);
        let missing = slot.get_mut(copied..).unwrap_or_default();
        if missing.iter().any(|&byte| byte != UNTOUCHED) {
            return Err(ResponseError::Behind(number));
        }
        missing.fill(0);
    }
    Ok(())
}

const fn fixed_part(entries: usize) -> usize {
    size_of::<BatchResponse>() + entries * size_of::<EntryResult>()
}

fn question(operation: Operation, source: Source, length: u32, engine: EngineKind) -> Question {
    Question {
        operation,
        asked: length.into(),
        engine,
        source: Some(source),
    }
}

pub(crate) const fn on_the_wire(source: Source) -> (CopyFlags, u64) {
    match source {
        Source::Virtual(address) => (CopyFlags::VIRTUAL, address),
        Source::Physical(address) => (CopyFlags::PHYSICAL, address),
    }
}

fn count_of<P>(pieces: &[P]) -> u32 {
    // `requests` gives no more than `MAXIMUM_ENTRIES`.
    u32::try_from(pieces.len()).unwrap_or(u32::MAX)
}

/// The pieces in as few groups as keep to the limits of one request; a piece that is over them by
/// itself is a group by itself, for the driver to refuse.
fn requests<P>(pieces: &[P], length: impl Fn(&P) -> u32) -> impl Iterator<Item = &[P]> {
    let mut rest = pieces;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest
            .iter()
            .take(MAXIMUM_ENTRIES as usize)
            .take_while(|piece| {
                bytes += u64::from(length(piece));
                bytes <= MAXIMUM_LENGTH
            })
            .count();
        let (group, behind) = rest.split_at(fitting.max(1).min(rest.len()));
        rest = behind;
        (!group.is_empty()).then_some(group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: u32 = 64 << 20;

    #[test]
    fn requests_end_at_either_limit() {
        let sizes = |pieces: &[u32]| -> Vec<usize> {
            requests(pieces, |&length| length).map(<[_]>::len).collect()
        };
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&vec![0; 4096]), [4096]);
        assert_eq!(sizes(&vec![8; 8193]), [4096, 4096, 1]);
        assert_eq!(sizes(&[LIMIT - 1, 1, 1]), [2, 1]);
        assert_eq!(sizes(&[LIMIT, 1]), [1, 1]);
        assert_eq!(sizes(&[1, LIMIT + 1, u32::MAX, 1]), [1, 1, 1, 1]);
    }

    proptest! {
        #[test]
        fn requests_lose_no_piece_and_keep_their_order(
            pieces in proptest::collection::vec(prop_oneof![0..64_u32, Just(LIMIT / 3), any::<u32>()], 0..9000),
        ) {
            let groups: Vec<&[u32]> = requests(&pieces, |&length| length).collect();
            for group in &groups {
                let bytes: u64 = group.iter().map(|&length| u64::from(length)).sum();
                prop_assert!(group.len() <= MAXIMUM_ENTRIES as usize);
                prop_assert!(bytes <= MAXIMUM_LENGTH || group.len() == 1);
            }
            prop_assert_eq!(groups.concat(), pieces);
        }
    }
}
