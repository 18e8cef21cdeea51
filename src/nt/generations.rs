//! A value that is replaced while others use the one before.

use core::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Values that are kept at a time: the current one, and those before it that are still in use.
const SLOTS: usize = 4;

/// A value, and those before it that are still in use. There is no wait: users keep what
/// they have, and a new value that finds no place is dropped.
pub struct Generations<T> {
    slots: [Slot<T>; SLOTS],
    current: AtomicUsize,
    changing: AtomicBool,
}

struct Slot<T> {
    value: UnsafeCell<Option<T>>,
    /// Those who use the value, and one more while it is the current one.
    users: AtomicUsize,
}

// SAFETY: a value is written by the holder of `changing` alone, into a slot that has no users, so that it is
// not the current one; a user that comes to such a slot looks again whether it is the current one before it
// reads.
unsafe impl<T: Send + Sync> Sync for Generations<T> {}

impl<T> Generations<T> {
    /// One value.
    pub const fn new(first: T) -> Self {
        const fn slot<T>(value: Option<T>, users: usize) -> Slot<T> {
            Slot {
                value: UnsafeCell::new(value),
                users: AtomicUsize::new(users),
            }
        }
        Self {
            slots: [
                slot(Some(first), 1),
                slot(None, 0),
                slot(None, 0),
                slot(None, 0),
            ],
            current: AtomicUsize::new(0),
            changing: AtomicBool::new(false),
        }
    }

    /// The current value, which stays what it is until the result is dropped.
    #[inline]
    pub fn current(&self) -> InUse<'_, T> {
        loop {
            let number = self.current.load(Ordering::SeqCst);
            let Some(slot) = self.slots.get(number) else {
                // Not reached: only numbers of slots are stored.
                continue;
            };
            let in_use = InUse { all: self, slot };
            slot.users.fetch_add(1, Ordering::SeqCst);
            if self.current.load(Ordering::SeqCst) == number {
                return in_use;
            }
        }
    }

    /// Makes a value the current one, if there is a place for it.
    pub fn replace(&self, value: T) -> bool {
        if self.changing.swap(true, Ordering::SeqCst) {
            return false;
        }
        let mut slots = self.slots.iter().enumerate();
        let free = slots.find(|(_, slot)| slot.users.load(Ordering::SeqCst) == 0);
        if let Some((number, slot)) = free {
            slot.put(Some(value));
            slot.users.fetch_add(1, Ordering::SeqCst);
            let before = self.current.swap(number, Ordering::SeqCst);
            if let Some(slot) = self.slots.get(before) {
                slot.users.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.changing.store(false, Ordering::SeqCst);
        self.drop_unused();
        free.is_some()
    }

    /// Drops the values that are not in use.
    #[inline(never)]
    fn drop_unused(&self) {
        if self.changing.swap(true, Ordering::SeqCst) {
            return;
        }
        for slot in &self.slots {
            if slot.users.load(Ordering::SeqCst) == 0 {
                slot.put(None);
            }
        }
        self.changing.store(false, Ordering::SeqCst);
    }
}

impl<T> Slot<T> {
    /// For the holder of `changing`, where the slot has no users.
    fn put(&self, value: Option<T>) {
        // SAFETY: there is no other writer, as the caller holds `changing`, and no reader: the slot
        // has no users, and a new user finds that it is not the current one.
        drop(unsafe { self.value.get().replace(value) });
    }
}

/// A value in use.
pub struct InUse<'a, T> {
    all: &'a Generations<T>,
    slot: &'a Slot<T>,
}

impl<T> InUse<'_, T> {
    /// The value; there is always one.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: the slot was the current one when it had this user already, so it was written
        // before, and is not written while it has users.
        unsafe { &*self.slot.value.get() }.as_ref()
    }

    /// Whether no other value has replaced it.
    #[inline]
    pub fn is_current(&self) -> bool {
        let current = self.all.current.load(Ordering::SeqCst);
        let slot = self.all.slots.get(current);
        slot.is_some_and(|slot| core::ptr::eq(slot, self.slot))
    }
}

impl<T> Drop for InUse<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.slot.users.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.all.drop_unused();
        }
    }
}
