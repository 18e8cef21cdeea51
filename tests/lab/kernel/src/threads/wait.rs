//! Waits of threads.

use super::{THREADS, is_added, note_progress, turn};
use crate::parallel::{self, PATIENCE};
use crate::{clock, processor};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// It has what it waited for.
    Satisfied,
    /// Its time is over.
    TimedOut,
    /// Nothing can happen any more that would end it, or nothing did within
    /// [`clock::LONGEST_WAIT`].
    Never,
}

/// Waits until `is_satisfied`, at most for an interval. IRQL <= `APC_LEVEL`, unless the interval is 0.
///
/// On another processor than the first, a wait with an interval ends at once: time passes on the first.
pub(crate) fn wait(mut is_satisfied: impl FnMut() -> bool, interval: Option<u64>) -> Waited {
    let start = clock::now();
    let deadline = interval.map(|interval| start.saturating_add(interval));
    let is_first_processor = processor::number() == 0;
    let mut patience = PATIENCE;
    let waited = loop {
        if is_satisfied() {
            note_progress();
            break Waited::Satisfied;
        }
        if deadline.is_some_and(|deadline| deadline <= clock::now() || !is_first_processor) {
            break Waited::TimedOut;
        }
        if !is_first_processor {
            if !parallel::is_running() {
                break Waited::Never;
            }
            turn();
            core::hint::spin_loop();
            continue;
        }
        set_deadline(deadline);
        if turn() || is_added() {
            patience = PATIENCE;
            continue;
        }
        if parallel::is_other_busy() {
            core::hint::spin_loop();
            continue;
        }
        if clock::advance_to_next(start.saturating_add(clock::LONGEST_WAIT)) {
            continue;
        }
        // Another processor may be about to go on.
        patience -= 1;
        if patience == 0 || !parallel::is_other_at_work() {
            break if is_satisfied() {
                Waited::Satisfied
            } else {
                Waited::Never
            };
        }
        core::hint::spin_loop();
    };
    if is_first_processor && deadline.is_some() {
        set_deadline(None);
    }
    waited
}

fn set_deadline(deadline: Option<u64>) {
    THREADS.with(|threads| {
        if deadline.is_none() && threads.current.is_none() {
            return;
        }
        let current = threads.current.get_or_insert_with(|| super::FIRST.into());
        current.deadline = deadline;
    });
}
