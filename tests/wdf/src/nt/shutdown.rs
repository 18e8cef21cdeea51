//! Notifications before the system shuts down.

use super::{device::DeviceObject, routine};
use crate::status::check;
use wdk_sys::{NTSTATUS, PDEVICE_OBJECT, STATUS_NOT_SUPPORTED};

/// When a notification comes.
#[derive(Clone, Copy)]
pub(crate) enum Moment {
    /// Before the file systems are flushed.
    Early,
    /// After that.
    Late,
}

type Register = unsafe extern "C" fn(PDEVICE_OBJECT) -> NTSTATUS;
type Unregister = unsafe extern "C" fn(PDEVICE_OBJECT);

/// `IoRegisterShutdownNotification` or `IoRegisterLastChanceShutdownNotification`.
///
/// `STATUS_NOT_SUPPORTED` on a system without the routine; what the routine returns.
pub(crate) fn register(device: DeviceObject, moment: Moment) -> Result<(), NTSTATUS> {
    let name = match moment {
        Moment::Early => "IoRegisterShutdownNotification",
        Moment::Late => "IoRegisterLastChanceShutdownNotification",
    };
    // SAFETY: the type of both routines (wdm.h).
    let routine = unsafe { routine::find::<Register>(name) }.ok_or(STATUS_NOT_SUPPORTED)?;
    // SAFETY: a device object that exists.
    check(unsafe { routine(device.as_ptr()) })
}

/// `IoUnregisterShutdownNotification`, for both.
pub(crate) fn unregister(device: DeviceObject) {
    // SAFETY: the type of the routine of that name (wdm.h).
    let routine = unsafe { routine::find::<Unregister>("IoUnregisterShutdownNotification") };
    if let Some(routine) = routine {
        // SAFETY: a device object that exists.
        unsafe { routine(device.as_ptr()) };
    }
}
