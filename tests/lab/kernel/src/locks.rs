//! The locks that drivers hold, and the orders in which they were acquired.
//!
//! Source: "Deadlock Detection", Windows driver documentation. An arrow goes from each lock that is
//! held to one that is acquired then. A circle of arrows is a deadlock that waits for its moment,
//! also where the orders were seen one after the other.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Range;

use crate::bugcheck::rule_broken;
use crate::global::Global;
use crate::pageable;
use crate::processor::{self, MOST};

/// The most locks that one processor holds.
const NESTED: usize = 16;

/// A lock that is held.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    lock: u64,
    /// The IRQL from before.
    level: u8,
}

struct Locks {
    /// What each processor holds, the last acquired last.
    held: [Vec<Held>; MOST],
    /// The locks that were acquired while another was held, by that one.
    after: BTreeMap<u64, BTreeSet<u64>>,
}

static LOCKS: Global<Locks> = Global::new(Locks {
    held: [const { Vec::new() }; MOST],
    after: BTreeMap::new(),
});

impl Locks {
    /// Whether arrows lead from one lock to another.
    fn lead(&self, from: u64, to: u64) -> bool {
        let (mut pending, mut seen) = (Vec::from([from]), BTreeSet::new());
        while let Some(lock) = pending.pop() {
            if lock == to {
                return true;
            }
            if seen.insert(lock) {
                pending.extend(self.after.get(&lock).into_iter().flatten());
            }
        }
        false
    }

    /// Adds the arrows to a lock that is about to be acquired; the held lock that it may not follow,
    /// if there is one.
    fn add(&mut self, lock: u64) -> Option<u64> {
        for position in 0..self.held[processor::number()].len() {
            let held = self.held[processor::number()][position].lock;
            let is_known = self
                .after
                .get(&held)
                .is_some_and(|after| after.contains(&lock));
            if is_known {
                continue;
            }
            if self.lead(lock, held) {
                return Some(held);
            }
            self.after.entry(held).or_default().insert(lock);
        }
        None
    }
}

/// Ends the run if this processor holds a lock that it is about to wait for, or others that have been
/// acquired after it.
pub(crate) fn before_wait(lock: u64) {
    let (holds, wrong) = LOCKS.with(|locks| {
        let own = &locks.held[processor::number()];
        let holds = own.iter().any(|held| held.lock == lock);
        (holds, if holds { None } else { locks.add(lock) })
    });
    if holds {
        rule_broken!(LockHeld, "the lock at {lock:#x} was acquired by its holder");
    }
    if let Some(held) = wrong {
        rule_broken!(
            LockOrder,
            "the lock at {lock:#x} was acquired after the one at {held:#x}, and before it elsewhere"
        );
    }
}

/// Notes that this processor has acquired a lock, and the IRQL from before.
pub(crate) fn acquired(lock: u64, level: u8) {
    LOCKS.with(|locks| {
        let held = &mut locks.held[processor::number()];
        assert!(held.len() < NESTED, "too many locks are held");
        held.push(Held { lock, level });
    });
}

/// Notes that this processor is about to release a lock, and returns the IRQL from before. Ends the
/// run if it does not hold that lock, or has acquired another one since.
pub(crate) fn released(lock: u64) -> u8 {
    let last = LOCKS.with(|locks| {
        let held = &mut locks.held[processor::number()];
        let last = held.last().copied();
        held.pop_if(|last| last.lock == lock);
        last
    });
    match last {
        Some(last) if last.lock == lock => last.level,
        Some(last) => rule_broken!(
            LockReleased,
            "the lock at {lock:#x} was released before the one at {:#x}, or is not held",
            last.lock
        ),
        None => rule_broken!(
            LockReleased,
            "the lock at {lock:#x} was released by a processor that does not hold it"
        ),
    }
}

/// Ends the run if a lock that is initialised is held.
pub(crate) fn initialized(lock: u64) {
    require_nonpaged(lock, "a lock");
    let is_held = LOCKS.with(|locks| {
        locks.after.remove(&lock);
        let mut held = locks.held.iter().flatten();
        held.any(|held| held.lock == lock)
    });
    if is_held {
        rule_broken!(
            LockInitialized,
            "the lock at {lock:#x} was initialised while it is held"
        );
    }
}

/// Ends the run if an object that the kernel uses at any IRQL lies in pageable memory.
pub(crate) fn require_nonpaged(address: u64, what: &str) {
    if pageable::contains(address) || crate::memory::layout::is_lower_half(address) {
        rule_broken!(
            PageableLock,
            "{what} at {address:#x} lies in pageable memory"
        );
    }
}

/// Returns how many locks this processor holds.
pub(crate) fn held() -> usize {
    LOCKS.with(|locks| locks.held[processor::number()].len())
}

/// Replaces what this processor holds, as another thread goes on.
pub(crate) fn replace_held(held: Vec<Held>) -> Vec<Held> {
    LOCKS.with(|locks| core::mem::replace(&mut locks.held[processor::number()], held))
}

/// Ends the run if this processor holds more locks than before a routine of a driver ran.
pub(crate) fn require_released(before: usize, what: &str) {
    let now = held();
    if now > before {
        rule_broken!(SpinLock, "{what} returned with {} locks held", now - before);
    }
}

/// Forgets the locks in memory that is freed. Ends the run if one is held.
pub(crate) fn forget(memory: Range<u64>) {
    let held = LOCKS.with(|locks| {
        if !locks.after.is_empty() {
            locks.after.retain(|lock, after| {
                after.retain(|lock| !memory.contains(lock));
                !memory.contains(lock)
            });
        }
        let mut held = locks.held.iter().flatten();
        held.find(|held| memory.contains(&held.lock))
            .map(|held| held.lock)
    });
    if let Some(lock) = held {
        rule_broken!(
            LockReleased,
            "the memory of the lock at {lock:#x} was freed while it is held"
        );
    }
}
