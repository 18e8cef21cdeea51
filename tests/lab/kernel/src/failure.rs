//! Allocations that fail on purpose.

use core::sync::atomic::{AtomicU64, Ordering};

/// How many more allocations succeed before one fails.
static REMAINING: AtomicU64 = AtomicU64::new(u64::MAX);

/// One allocation fails after `count` more; `u64::MAX`: none does.
pub(crate) fn arm(count: u64) {
    REMAINING.store(count, Ordering::Relaxed);
}

/// Whether the allocation that asks is the one.
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
