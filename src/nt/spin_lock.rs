//! A spin lock that holds the value that it guards.

use core::{cell::UnsafeCell, ops::Deref};

use wdk_sys::{
    KIRQL, KSPIN_LOCK,
    ntddk::{KeAcquireSpinLockRaiseToDpc, KeReleaseSpinLock},
};

/// A value that one processor at a time can access, at `DISPATCH_LEVEL`.
pub struct SpinLock<T> {
    lock: UnsafeCell<KSPIN_LOCK>,
    value: T,
}

// SAFETY: only the holder of the lock reaches the value.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// Returns a free lock: an executive spin lock starts as zero.
    pub const fn new(value: T) -> Self {
        Self {
            lock: UnsafeCell::new(0),
            value,
        }
    }

    /// Waits for the lock. Until the guard is dropped, the thread runs at `DISPATCH_LEVEL` and stays
    /// on its processor, and may touch only nonpaged memory.
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        // SAFETY: the lock is nonpaged (part of the device context), initialised, and never
        // acquired again by its holder, who cannot reach it through the guard.
        let irql = unsafe { KeAcquireSpinLockRaiseToDpc(self.lock.get()) };
        SpinLockGuard { owner: self, irql }
    }
}

/// The lock, held.
pub struct SpinLockGuard<'a, T> {
    owner: &'a SpinLock<T>,
    irql: KIRQL,
}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.owner.value
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: acquired by `lock`, which gave the IRQL to return to.
        unsafe { KeReleaseSpinLock(self.owner.lock.get(), self.irql) };
    }
}
