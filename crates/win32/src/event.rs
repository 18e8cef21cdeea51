//! Events: flags that a thread can wait for.

use crate::{Win32Error, wide::wide};
use std::{
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr::null,
    time::Duration,
};
use windows_sys::Win32::{
    Foundation::{HANDLE, WAIT_OBJECT_0},
    System::Threading::{CreateEventW, INFINITE, ResetEvent, SetEvent, WaitForSingleObject},
};

/// An event that stays set until it is reset.
#[derive(Debug)]
pub struct Event(OwnedHandle);

impl Event {
    /// Creates an event without a name, not set.
    ///
    /// # Errors
    /// What `CreateEventW` fails with.
    pub fn unnamed() -> Result<Self, Win32Error> {
        Self::create(null())
    }

    /// Creates or opens an event by its name. A new event is not set.
    ///
    /// # Errors
    /// What `CreateEventW` fails with.
    pub fn named(name: &str) -> Result<Self, Win32Error> {
        Self::create(wide(name).as_ptr())
    }

    fn create(name: *const u16) -> Result<Self, Win32Error> {
        // SAFETY: the name is null or a string that outlives the call and ends with a null; no
        // security attributes are passed.
        let handle = unsafe { CreateEventW(null(), 1, 0, name) };
        if handle.is_null() {
            return Err(Win32Error::last());
        }
        // SAFETY: the handle was just created, and no other code knows it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Sets the event, which releases all waiting threads.
    pub fn set(&self) {
        // SAFETY: an open handle of an event. It cannot fail for one.
        let _ = unsafe { SetEvent(self.raw()) };
    }

    /// Undoes [`set`](Self::set).
    pub fn reset(&self) {
        // SAFETY: an open handle of an event. It cannot fail for one.
        let _ = unsafe { ResetEvent(self.raw()) };
    }

    /// Returns whether the event is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Waits until the event is set, or for this time. Returns whether it is set.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> bool {
        // All ones would mean "for ever".
        let milliseconds = u32::try_from(patience.as_millis()).map_or(u32::MAX - 1, |wait| wait);
        // SAFETY: an open handle of an event.
        let waited = unsafe { WaitForSingleObject(self.raw(), milliseconds) };
        waited == WAIT_OBJECT_0
    }

    /// Waits until the event is set.
    pub(crate) fn wait_for_ever(&self) {
        // SAFETY: an open handle of an event. It cannot fail for one.
        let _ = unsafe { WaitForSingleObject(self.raw(), INFINITE) };
    }

    pub(crate) fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }
}
