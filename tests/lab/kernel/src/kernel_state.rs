//! State of the running threads, one on each processor.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::processor::{MOST, PerProcessor};

static CRITICAL_REGIONS: PerProcessor<AtomicU32> =
    PerProcessor([const { AtomicU32::new(0) }; MOST]);

/// Returns the number of critical regions that the thread is in.
pub(crate) fn critical_regions() -> u32 {
    CRITICAL_REGIONS.here().load(Ordering::Relaxed)
}

/// Replaces the number of critical regions that the thread is in, as another thread goes on.
pub(crate) fn replace_critical_regions(depth: u32) -> u32 {
    CRITICAL_REGIONS.here().swap(depth, Ordering::Relaxed)
}

pub(crate) fn enter_critical_region() {
    CRITICAL_REGIONS.here().fetch_add(1, Ordering::Relaxed);
}

/// Returns whether the thread was in one.
pub(crate) fn leave_critical_region() -> bool {
    CRITICAL_REGIONS
        .here()
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |depth| {
            depth.checked_sub(1)
        })
        .is_ok()
}
