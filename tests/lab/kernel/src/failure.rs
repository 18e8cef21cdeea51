//! Allocations that fail on request.

use core::sync::atomic::{AtomicU64, Ordering};

/// The number of allocations that succeed before one fails.
static REMAINING: AtomicU64 = AtomicU64::new(u64::MAX);

/// Lets one allocation fail after `count` that succeed; `u64::MAX`: none fails.
pub(crate) fn arm(count: u64) {
    REMAINING.store(count, Ordering::Relaxed);
}

/// Whether the current allocation fails.
pub(crate) fn strikes() -> bool {
    match REMAINING.load(Ordering::Relaxed) {
        u64::MAX => false,
        0 => {
            arm(u64::MAX);
            true
        }
        count => {
            arm(count - 1);
            false
        }
    }
}
