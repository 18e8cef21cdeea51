//! Guarded mutexes, and queued spin locks, whose place in the queue is on the stack of their holder.

use super::ex::{ExAcquireFastMutex, ExReleaseFastMutex, ExTryToAcquireFastMutex};
use super::ke::{KeAcquireSpinLockRaiseToDpc, KeReleaseSpinLock};
use crate::nt::layout::{FastMutex, LockQueueHandle, Structure};
use crate::{locks, raw};

/// `KeInitializeGuardedMutex` function (wdm.h): any IRQL. A guarded mutex is a fast mutex.
pub(super) extern "win64" fn KeInitializeGuardedMutex(mutex: u64) {
    locks::require_nonpaged(mutex, "a guarded mutex");
    raw::fill(mutex, 0, FastMutex::SIZE);
    FastMutex(mutex).set(FastMutex::COUNT, 1);
}

/// `KeAcquireGuardedMutex` function (wdm.h). IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn KeAcquireGuardedMutex(mutex: u64) {
    ExAcquireFastMutex(mutex);
}

/// `KeTryToAcquireGuardedMutex` function (wdm.h): TRUE if it succeeds. IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn KeTryToAcquireGuardedMutex(mutex: u64) -> u8 {
    ExTryToAcquireFastMutex(mutex)
}

/// `KeReleaseGuardedMutex` function (wdm.h). IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn KeReleaseGuardedMutex(mutex: u64) {
    ExReleaseFastMutex(mutex);
}

/// `KeAcquireInStackQueuedSpinLock` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeAcquireInStackQueuedSpinLock(lock: u64, handle: u64) {
    let level = KeAcquireSpinLockRaiseToDpc(lock);
    LockQueueHandle(handle).set(LockQueueHandle::LOCK, lock);
    LockQueueHandle(handle).set(LockQueueHandle::OLD_IRQL, level);
}

/// `KeReleaseInStackQueuedSpinLock` function (wdm.h). IRQL = `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeReleaseInStackQueuedSpinLock(handle: u64) {
    let handle = LockQueueHandle(handle);
    let level = handle.get(LockQueueHandle::OLD_IRQL);
    KeReleaseSpinLock(handle.get(LockQueueHandle::LOCK), level);
}
