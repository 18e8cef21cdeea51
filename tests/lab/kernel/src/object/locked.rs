//! Locked frames, which may outlive the memory that they belonged to.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::bugcheck::violation;
use crate::global::Global;
use crate::memory::{PAGE, frames, kernel_space};

struct Locked {
    /// The number of locks of each frame.
    counts: BTreeMap<u64, u64>,
    /// Frames that only a lock keeps.
    orphans: BTreeSet<u64>,
}

static STATE: Global<Locked> = Global::new(Locked {
    counts: BTreeMap::new(),
    orphans: BTreeSet::new(),
});

pub(crate) fn lock(frame: u64) {
    STATE.with(|state| *state.counts.entry(frame).or_insert(0) += 1);
}

pub(crate) fn unlock(frame: u64) {
    let orphaned = STATE.with(|state| {
        let count = state.counts.get_mut(&frame)?;
        *count -= 1;
        if *count > 0 {
            return Some(false);
        }
        state.counts.remove(&frame);
        Some(state.orphans.remove(&frame))
    });
    match orphaned {
        None => violation!("the page at {frame:#x} was unlocked and is not locked"),
        Some(true) => frames::free(frame),
        Some(false) => {}
    }
}

/// Frees a frame, or leaves that to its last unlock.
pub(crate) fn give_up(frame: u64) {
    let kept = STATE.with(|state| {
        let kept = state.counts.contains_key(&frame);
        if kept {
            state.orphans.insert(frame);
        }
        kept
    });
    if !kept {
        frames::free(frame);
    }
}

pub(crate) fn is_locked(frame: u64) -> bool {
    STATE.with(|state| state.counts.contains_key(&frame))
}

/// Returns the number of locks of all pages.
pub(crate) fn count() -> u64 {
    STATE.with(|state| state.counts.values().sum())
}

/// Ends the run if system memory that is being freed is locked.
pub(crate) fn require_unlocked(start: u64, pages: u64) {
    if count() == 0 {
        return;
    }
    for page in 0..pages {
        let address = start + page * PAGE;
        let translation = kernel_space::system().walk(address);
        if translation.is_some_and(|translation| is_locked(translation.physical)) {
            violation!("memory at {address:#x} was freed while it is locked");
        }
    }
}
