//! Notifications of what becomes of a device that is open.
//!
//! Source: "Registering for Target Device Change Notification", `TARGET_DEVICE_REMOVAL_NOTIFICATION`.

use super::{file::FileObject, member};
use core::{
    ffi::c_void,
    mem::offset_of,
    ptr::{NonNull, null_mut},
};
use wdk_sys::{
    GUID, PDRIVER_NOTIFICATION_CALLBACK_ROUTINE, PDRIVER_OBJECT, PVOID, STATUS_SUCCESS,
    TARGET_DEVICE_REMOVAL_NOTIFICATION, ntddk,
};

/// `EventCategoryTargetDeviceChange`.
const TARGET_DEVICE_CHANGE: i32 = 3;

/// A registered routine, unregistered when dropped. That may happen in the routine.
pub(crate) struct Notification(NonNull<c_void>);

impl Notification {
    /// `IoRegisterPlugPlayNotification`, for the device of a file. `None` if the kernel refuses.
    pub(crate) fn register(
        file: FileObject,
        driver: PDRIVER_OBJECT,
        routine: PDRIVER_NOTIFICATION_CALLBACK_ROUTINE,
        context: PVOID,
    ) -> Option<Self> {
        let mut entry = null_mut();
        // SAFETY: an open file, a bound driver's object, a routine of this type, and a local for the result.
        let status = unsafe {
            ntddk::IoRegisterPlugPlayNotification(
                TARGET_DEVICE_CHANGE,
                0,
                file.as_ptr().cast(),
                driver,
                routine,
                context,
                &raw mut entry,
            )
        };
        NonNull::new(entry)
            .filter(|_| status == STATUS_SUCCESS)
            .map(Self)
    }
}

impl Drop for Notification {
    fn drop(&mut self) {
        // SAFETY: what IoRegisterPlugPlayNotification gave, which is given back once.
        let _ = unsafe { ntddk::IoUnregisterPlugPlayNotificationEx(self.0.as_ptr()) };
    }
}

/// What becomes of a device.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    /// It is to be removed, unless somebody refuses.
    QueryRemove,
    /// It stays.
    RemoveCanceled,
    /// It is gone.
    RemoveComplete,
}

impl Change {
    /// Reads the event of a notification. `None` for an event of another kind.
    ///
    /// # Safety
    ///
    /// `notification` is what the kernel calls a routine of [`Notification`] with.
    pub(crate) const unsafe fn read(notification: PVOID) -> Option<Self> {
        let event = offset_of!(TARGET_DEVICE_REMOVAL_NOTIFICATION, Event);
        // SAFETY: a member of the kernel's structure (the caller's promise).
        let event = unsafe { member::<_, GUID>(notification, event).read() };
        match event.Data1 {
            0xCB3A_4006 => Some(Self::QueryRemove),
            0xCB3A_4007 => Some(Self::RemoveCanceled),
            0xCB3A_4008 => Some(Self::RemoveComplete),
            _ => None,
        }
    }
}
