//! Many copies in one request.

use ringcopy_protocol::{
    BatchEntry, EngineKind, MAXIMUM_ENTRIES, MAXIMUM_LENGTH, RequestKind, ScatterEntry,
};

use crate::{CopyReport, ResponseError, Source, response::Asked};

/// What slots hold before the driver fills them, so that a byte too many is noticed.
pub(super) const UNTOUCHED: u8 = 0xA5;

/// One piece of memory for [`Device::copy_batch`](crate::Device::copy_batch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first byte.
    pub source: Source,
    /// Bytes; 0 copies nothing.
    pub length: u32,
}

impl Piece {
    pub(super) const fn entry(&self) -> BatchEntry {
        BatchEntry {
            address: self.source.address(),
            length: self.length,
            flags: self.source.flags().bits(),
        }
    }

    pub(super) fn asked(&self, kind: RequestKind, engine: EngineKind) -> Asked {
        Asked {
            operation: kind.into(),
            length: self.length.into(),
            engine,
            source: Some(self.source),
        }
    }
}

/// One piece of memory for [`Device::copy_scatter`](crate::Device::copy_scatter).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterPiece {
    /// The first byte read.
    pub source: Source,
    /// The first byte written, in the caller's memory.
    pub target: u64,
    /// Bytes; 0 copies and checks nothing.
    pub length: u32,
}

impl ScatterPiece {
    pub(super) const fn entry(&self) -> ScatterEntry {
        ScatterEntry {
            source: self.source.address(),
            target: self.target,
            length: self.length,
            flags: self.source.flags().bits(),
        }
    }

    pub(super) fn asked(&self, kind: RequestKind, engine: EngineKind) -> Asked {
        let (source, length) = (self.source, self.length);
        Piece { source, length }.asked(kind, engine)
    }
}

/// How the copies of a batch ended, and the bytes that arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How the copy of each piece ended, in the order asked.
    pub reports: Vec<CopyReport>,
    /// A slot of full length for each piece, without gaps; zeros where nothing arrived.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// Returns how the copy of each piece ended, with the bytes that arrived.
    pub fn pieces(&self) -> impl Iterator<Item = (&CopyReport, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.reports.iter().map(move |report| {
            let (slot, after) = split(rest, report.asked);
            rest = after;
            (report, split(slot, report.result.copied).0)
        })
    }
}

fn split(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    bytes.split_at(at.min(bytes.len()))
}

/// Fills the end of each slot, which no byte was copied to, with zeros.
///
/// # Errors
/// [`ResponseError::AfterCopy`] if a byte was written there.
pub(super) fn clear(reports: &[CopyReport], bytes: &mut [u8]) -> Result<(), ResponseError> {
    let mut rest = bytes;
    for (number, report) in reports.iter().enumerate() {
        let length = usize::try_from(report.asked).unwrap_or(usize::MAX);
        let (slot, after) = rest.split_at_mut(length.min(rest.len()));
        rest = after;
        let copied = usize::try_from(report.result.copied).unwrap_or(usize::MAX);
        let missing = slot.get_mut(copied..).unwrap_or_default();
        if missing.iter().any(|&byte| byte != UNTOUCHED) {
            return Err(ResponseError::AfterCopy(number));
        }
        missing.fill(0);
    }
    Ok(())
}

/// Splits pieces into as few groups as the limits of one request allow. A piece that is over the
/// limits is a group of its own, which the driver refuses.
pub(super) fn groups<P>(pieces: &[P], length: impl Fn(&P) -> u32) -> impl Iterator<Item = &[P]> {
    groups_within(pieces, length, MAXIMUM_LENGTH)
}

/// Splits pieces into groups of at most [`MAXIMUM_ENTRIES`] pieces and `bytes` bytes.
pub(crate) fn groups_within<P>(
    pieces: &[P],
    length: impl Fn(&P) -> u32,
    bytes: u64,
) -> impl Iterator<Item = &[P]> {
    let mut rest = pieces;
    std::iter::from_fn(move || {
        let mut total = 0;
        let fitting = rest
            .iter()
            .take(MAXIMUM_ENTRIES as usize)
            .take_while(|piece| {
                total += u64::from(length(piece));
                total <= bytes
            })
            .count();
        let (group, after) = rest.split_at(fitting.max(1).min(rest.len()));
        rest = after;
        (!group.is_empty()).then_some(group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: u32 = 64 << 20;

    #[test]
    fn groups_end_at_either_limit() {
        let sizes = |pieces: &[u32]| -> Vec<usize> {
            groups(pieces, |&length| length).map(<[_]>::len).collect()
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
        fn groups_lose_no_piece_and_keep_the_order(
            pieces in proptest::collection::vec(prop_oneof![0..64_u32, Just(LIMIT / 3), any::<u32>()], 0..9000),
        ) {
            let groups: Vec<&[u32]> = groups(&pieces, |&length| length).collect();
            for group in &groups {
                let bytes: u64 = group.iter().map(|&length| u64::from(length)).sum();
                prop_assert!(group.len() <= MAXIMUM_ENTRIES as usize);
                prop_assert!(bytes <= MAXIMUM_LENGTH || group.len() == 1);
            }
            prop_assert_eq!(groups.concat(), pieces);
        }
    }
}
