//! The clock of drivers' timers and waits, in units of 100 ns since boot.
//!
//! It moves only when all threads wait, or when the host asks for it: then it goes to the next moment at
//! which something is due. A driver that waits for a second costs no second, and the order of events
//! depends on no host.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::{threads, timers};

/// Units in a millisecond.
pub(crate) const MILLISECOND: u64 = 10_000;

/// The longest that one wait moves the clock: five minutes.
pub(crate) const LONGEST_WAIT: u64 = 5 * 60 * 1000 * MILLISECOND;

static NOW: AtomicU64 = AtomicU64::new(0);

/// Returns the time.
pub(crate) fn now() -> u64 {
    NOW.load(Ordering::Acquire)
}

/// Moves the clock, and nothing else. It never goes back.
pub(crate) fn advance(to: u64) {
    NOW.fetch_max(to, Ordering::AcqRel);
}

/// Moves the clock to the next moment at which a timer or a wait is due, at most to `limit`, and lets
/// the timers expire. Returns whether there is such a moment.
pub(crate) fn advance_to_next(limit: u64) -> bool {
    let next = timers::next_due()
        .into_iter()
        .chain(threads::next_due())
        .min();
    let Some(next) = next.filter(|&next| next <= limit) else {
        return false;
    };
    advance(next);
    timers::expire();
    true
}

/// Lets the time pass, with all that happens meanwhile.
pub(crate) fn pass(units: u64) {
    let end = now().saturating_add(units);
    while advance_to_next(end) {
        threads::settle();
    }
    advance(end);
}

/// Returns how long it is until the time that a driver gives: relative if it is negative, otherwise
/// absolute, in the units of the system time, which starts in 1601.
pub(crate) fn interval(time: i64) -> u64 {
    if time < 0 {
        time.unsigned_abs()
    } else {
        time.unsigned_abs().saturating_sub(system_time())
    }
}

/// Midnight of the 1st of January 2025, in the units of the system time.
const BOOT: u64 = 133_801_632_000_000_000;

/// Returns the system time.
pub(crate) fn system_time() -> u64 {
    BOOT + now()
}
