//! The progress of a copy.

use usermode_accessors::VolatileSlice;

use crate::transfer::{Hole, Reason, Transfer};

/// A copy under way. The count only grows, by bytes that were copied.
pub(crate) struct Cursor<'a> {
    source: u64,
    target: VolatileSlice<'a>,
    transferred: usize,
}

impl Cursor<'_> {
    /// Returns the source address of the next byte.
    pub(crate) const fn address(&self) -> u64 {
        // Within the source, which does not wrap.
        self.source.wrapping_add(self.transferred as u64)
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.target.len().saturating_sub(self.transferred)
    }

    /// Calls `copy` for the next bytes of the target, at most `limit`, and counts the copied ones.
    /// Fails with the hole that stopped `copy`.
    pub(crate) fn advance(
        &mut self,
        limit: u64,
        copy: impl FnOnce(u64, VolatileSlice<'_>) -> Transfer,
    ) -> Result<(), Hole> {
        let length = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .min(self.remaining());
        let address = self.address();
        let Some(piece) = self.target.reborrow().subslice(self.transferred, length) else {
            // Not reached: the piece lies within what remains.
            return Err(Reason::Wraps.into());
        };
        let piece = copy(address, piece);
        let arrived = match piece.stop {
            None => length,
            Some(_) => piece.transferred.min(length),
        };
        self.transferred = self.transferred.saturating_add(arrived);
        piece.stop.map_or(Ok(()), |stop| Err(stop.hole()))
    }
}

/// Copies from `source` to all of `target`, one `step` after another. A step either advances the
/// cursor by at least one byte or fails.
///
/// A source that exceeds 2^64 is refused before the first step. It may end there.
pub(crate) fn copy_in_steps<'a>(
    source: u64,
    target: VolatileSlice<'a>,
    mut step: impl FnMut(&mut Cursor<'a>) -> Result<(), Hole>,
) -> Transfer {
    let last_offset = target.len().saturating_sub(1) as u64;
    if source.checked_add(last_offset).is_none() {
        return Transfer::stopped(0, source, Reason::Wraps);
    }
    let mut cursor = Cursor {
        source,
        target,
        transferred: 0,
    };
    while cursor.remaining() > 0 {
        if let Err(hole) = step(&mut cursor) {
            return Transfer::stopped(cursor.transferred, cursor.address(), hole);
        }
    }
    Transfer::complete(cursor.transferred)
}
