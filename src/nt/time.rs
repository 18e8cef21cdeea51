//! The time since the system started.

use wdk_sys::ntddk::KeQueryUnbiasedInterruptTime;

/// A second, in the unit of [`now`]: 100 ns.
pub const SECOND: u64 = 10_000_000;

/// The time since the system started, without the time that it slept.
pub fn now() -> u64 {
    // SAFETY: may be called at any IRQL.
    unsafe { KeQueryUnbiasedInterruptTime() }
}
