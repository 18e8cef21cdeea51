//! The notification of a control device before the system shuts down.
//!
//! Source: `WdfControlDeviceInitSetShutdownNotification`.

use super::{Device, init};
use crate::{
    call::Call,
    callback,
    nt::{
        irp::Irp,
        shutdown::{self, Moment},
    },
    object::Ref,
    report::report,
};
use wdk_sys::{
    _WDF_DEVICE_SHUTDOWN_FLAGS as Flags, NTSTATUS, PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION,
    PWDFDEVICE_INIT, STATUS_SUCCESS, UCHAR,
};

/// What the driver asks for.
#[derive(Clone, Copy)]
pub(crate) struct Shutdown {
    evt_notification: PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION,
    flags: UCHAR,
}

/// The flags, and when their notification comes.
const MOMENTS: [(i32, Moment); 2] = [
    (Flags::WdfDeviceShutdown, Moment::Early),
    (Flags::WdfDeviceLastChanceShutdown, Moment::Late),
];

/// `WdfControlDeviceInitSetShutdownNotification`.
pub(crate) fn set_notification(
    call: &Call,
    init: PWDFDEVICE_INIT,
    evt_notification: PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION,
    flags: UCHAR,
) {
    init::change(call, init, |settings| {
        settings.shutdown = Some(Shutdown {
            evt_notification,
            flags,
        });
    });
}

impl Ref<Device> {
    /// Registers the device for the notifications that its driver asks for.
    ///
    /// What the system returns.
    pub(super) fn register_for_shutdown(self) -> Result<(), NTSTATUS> {
        let Some(shutdown) = self.shutdown else {
            return Ok(());
        };
        for (flag, moment) in MOMENTS {
            if i32::from(shutdown.flags) & flag != 0 {
                shutdown::register(self.object, moment)?;
            }
        }
        Ok(())
    }

    /// Undoes [`Self::register_for_shutdown`].
    pub(super) fn unregister_for_shutdown(self) {
        if self.shutdown.is_some() {
            shutdown::unregister(self.object);
        }
    }
}

/// `IRP_MJ_SHUTDOWN`.
pub(crate) fn notify(device: Ref<Device>, irp: Irp) -> NTSTATUS {
    match device.shutdown {
        Some(shutdown) => callback::call!(
            shutdown.evt_notification,
            "EvtDeviceShutdownNotification",
            device.handle().cast()
        ),
        None => report!("a device that asked for no notification of shutdown got one"),
    }
    irp.complete_with(STATUS_SUCCESS)
}
