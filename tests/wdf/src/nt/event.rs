//! An event that a thread waits for.

use core::cell::UnsafeCell;
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
