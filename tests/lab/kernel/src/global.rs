//! State that outlives a function call.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::processor;

/// The value of a free lock. Otherwise it is the number of the holder plus one.
const FREE: usize = 0;

/// A value that a lock guards. The lock is held while one closure runs.
///
/// A processor that waits for a lock that it holds itself is a defect of the lab: it panics.
pub(crate) struct Global<T> {
    holder: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: `with` hands out one exclusive reference at a time, and values move between processors
// only where T allows that.
unsafe impl<T: Send> Sync for Global<T> {}

impl<T> Global<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            holder: AtomicUsize::new(FREE),
            value: UnsafeCell::new(value),
        }
    }

    /// Runs `body` with the value. `body` must not call back into a driver, nor fault.
    #[track_caller]
    pub(crate) fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        let own = processor::number() + 1;
        while let Err(holder) =
            self.holder
                .compare_exchange(FREE, own, Ordering::Acquire, Ordering::Relaxed)
        {
            assert!(holder != own, "the processor holds the lock already");
            core::hint::spin_loop();
        }
        // SAFETY: this processor holds the lock, so no other reference exists.
        let value = unsafe { &mut *self.value.get() };
        let result = body(value);
        self.holder.store(FREE, Ordering::Release);
        result
    }

    /// Returns the address of the value, for tables that hardware or assembly reads.
    pub(crate) fn address(&self) -> u64 {
        self.value.get() as u64
    }
}
