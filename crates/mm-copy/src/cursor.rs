//! The progress of a copy.

use usermode_accessors::VolatileSlice;

use crate::{
    physical::ReadError,
    transfer::{Hole, Reason, Transfer},
};

/// A step that stopped: how many of its bytes were copied before that, and the hole.
pub(crate) struct Stopped {
    pub(crate) copied: usize,
    pub(crate) hole: Hole,
}

impl From<Hole> for Stopped {
    fn from(hole: Hole) -> Self {
        Self { copied: 0, hole }
    }
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Self {
        Self {
            copied: error.transferred,
            hole: Reason::Read(error.status).into(),
        }
    }
}

/// Copies from `source` to all of `target`, one `step` after another. A step gets the source address of
/// the next byte and the rest of the target. It copies at least one byte and returns how many, or fails.
///
/// A source that exceeds 2^64 is refused before the first step. It may end there.
#[inline]
pub(crate) fn copy_in_steps(
    source: u64,
    mut target: VolatileSlice<'_>,
    mut step: impl FnMut(u64, VolatileSlice<'_>) -> Result<usize, Stopped>,
) -> Transfer {
    let length = target.len();
    let last_offset = length.saturating_sub(1) as u64;
    if source.checked_add(last_offset).is_none() {
        return Transfer::stopped(0, source, Reason::Wraps);
    }
    let mut transferred = 0_usize;
    while transferred < length {
        let left = length.saturating_sub(transferred);
        // Within the source, which does not wrap.
        let address = source.wrapping_add(transferred as u64);
        // Not reached: something is left of the target.
        let not_reached = || Err(Hole::from(Reason::Wraps).into());
        let rest = target.reborrow().subslice(transferred, left);
        match rest.map_or_else(not_reached, |rest| step(address, rest)) {
            Ok(copied) => transferred = transferred.saturating_add(copied),
            Err(Stopped { copied, hole }) => {
                let copied = copied.min(left);
                let transferred = transferred.saturating_add(copied);
                let address = address.wrapping_add(copied as u64);
                return Transfer::stopped(transferred, address, hole);
            }
        }
    }
    Transfer::complete(length)
}

/// Calls `read` for the first bytes of `rest`, as many as `limit` at most, and returns how many that are.
#[inline]
pub(crate) fn read_at_most<'a>(
    limit: u64,
    rest: VolatileSlice<'a>,
    read: impl FnOnce(VolatileSlice<'a>) -> Result<(), Stopped>,
) -> Result<usize, Stopped> {
    let length = usize::try_from(limit).map_or(rest.len(), |limit| limit.min(rest.len()));
    // Not reached: the piece is no longer than the rest.
    let not_reached = || Err(Hole::from(Reason::Wraps).into());
    rest.subslice(0, length)
        .map_or_else(not_reached, |piece| read(piece).map(|()| length))
}
