//! An event that a thread waits for, and waits until a guarded value is in some state.

use super::lock::SpinLock;
use core::{cell::UnsafeCell, ptr::NonNull};
use wdk_sys::{_EVENT_TYPE as EventType, KEVENT, ntddk};

/// A notification event, which stays where it was made.
pub(crate) struct Event(UnsafeCell<KEVENT>);

impl Event {
    /// Calls a function with an event that is not set.
    pub(crate) fn with<R>(function: impl FnOnce(&Self) -> R) -> R {
        let event = Self(UnsafeCell::new(KEVENT::default()));
        // SAFETY: a local, which is nonpaged while this thread runs in the kernel, and does not move.
        unsafe { ntddk::KeInitializeEvent(event.0.get(), EventType::NotificationEvent, 0) };
        function(&event)
    }

    pub(crate) fn set(&self) {
        // SAFETY: an initialised event; nothing is waited for after this.
        unsafe { ntddk::KeSetEvent(self.0.get(), 0, 0) };
    }

    pub(crate) fn clear(&self) {
        // SAFETY: an initialised event.
        unsafe { ntddk::KeClearEvent(self.0.get()) };
    }

    /// Waits until the event is set. Callable at or below `APC_LEVEL`.
    pub(crate) fn wait(&self) {
        // SAFETY: an initialised event; not alertable, in kernel mode, without a timeout.
        let _ = unsafe {
            ntddk::KeWaitForSingleObject(self.0.get().cast(), 0, 0, 0, core::ptr::null_mut())
        };
    }
}

/// The place in a guarded value for the event of the thread that waits until the value is in some state.
pub(crate) struct Waiter(Option<NonNull<Event>>);

impl Waiter {
    pub(crate) const NONE: Self = Self(None);

    /// Lets the thread look again. Called whenever the value has changed, with the lock held.
    pub(crate) fn wake(&self) {
        if let Some(event) = self.0 {
            // SAFETY: the waiter removes its event under the lock, which is held, before it goes.
            unsafe { event.as_ref() }.set();
        }
    }
}

/// Waits until a guarded value is in some state. Callable at `PASSIVE_LEVEL`, by one thread at a time.
pub(crate) fn wait_until<T>(
    value: &SpinLock<T>,
    waiter: impl Fn(&mut T) -> &mut Waiter,
    is_reached: impl Fn(&T) -> bool,
) {
    Event::with(|event| {
        loop {
            let mut guard = value.lock();
            if is_reached(&guard) {
                *waiter(&mut guard) = Waiter::NONE;
                return;
            }
            event.clear();
            *waiter(&mut guard) = Waiter(Some(NonNull::from(event)));
            drop(guard);
            event.wait();
        }
    });
}
