//! A value that a kernel spin lock guards.

use core::{
    cell::UnsafeCell,
    ops::{Deref, DerefMut},
};
use wdk_sys::{KIRQL, KSPIN_LOCK, ntddk};

/// A value that one processor at a time uses, at `DISPATCH_LEVEL`.
///
/// The framework calls no driver while it holds a lock.
pub(crate) struct SpinLock<T> {
    lock: UnsafeCell<KSPIN_LOCK>,
    value: UnsafeCell<T>,
}

// SAFETY: with the lock, one processor at a time uses the value.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// Makes a free lock: `KeInitializeSpinLock` sets the word to zero.
    pub(crate) const fn new(value: T) -> Self {
        Self {
            lock: UnsafeCell::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Raises to `DISPATCH_LEVEL` and waits for the lock.
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        // SAFETY: the word is a spin lock for as long as `self` lives; the caller is at or below
        // DISPATCH_LEVEL and does not hold it, since guards are not kept across calls out.
        let irql = unsafe { ntddk::KeAcquireSpinLockRaiseToDpc(self.lock.get()) };
        Guard { lock: self, irql }
    }
}

/// The right to use the value.
pub(crate) struct Guard<'a, T> {
    lock: &'a SpinLock<T>,
    irql: KIRQL,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock, so nothing else refers to the value.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock, so nothing else refers to the value.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: `SpinLock::lock` acquired this lock and returned this level.
        unsafe { ntddk::KeReleaseSpinLock(self.lock.lock.get(), self.irql) };
    }
}
