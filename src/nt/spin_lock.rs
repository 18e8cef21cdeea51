//! A spin lock that holds what it guards.

use core::{cell::UnsafeCell, ops::Deref};

use wdk_sys::{
    KIRQL, KSPIN_LOCK,
    ntddk::{KeAcquireSpinLockRaiseToDpc, KeReleaseSpinLock},
};

/// Holds a `T` that is reached at `DISPATCH_LEVEL` alone, by one processor at a time.
pub struct SpinLock<T> {
    lock: UnsafeCell<KSPIN_LOCK>,
    value: T,
}

// SAFETY: the value is reached by whoever holds the lock, one at a time.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// An executive spin lock starts as zero.
    pub const fn new(value: T) -> Self {
        Self {
            lock: UnsafeCell::new(0),
            value,
        }
    }

    /// Waits for the lock. From here on, until the guard is dropped, the thread runs at
    /// `DISPATCH_LEVEL` and stays on its processor: only nonpaged memory may be touched.
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
