//! The callbacks for power: of the device itself, and of its self-managed I/O.

use super::Pnp;
use crate::{callback::ask, device::Device, object::Ref, queue::power::Power, report::report};
use nt_status::NtStatus;
use wdk_sys::{_WDF_POWER_DEVICE_STATE as PowerState, NTSTATUS, WDF_POWER_DEVICE_STATE};

const STATUS_DEVICE_POWER_FAILURE: NTSTATUS = NtStatus::DEVICE_POWER_FAILURE.as_raw();

/// The state before a device is started, and after it is stopped or removed.
const FINAL: WDF_POWER_DEVICE_STATE = PowerState::WdfPowerDeviceD3Final;

/// What has become of the driver's self-managed I/O ("Using Self-Managed I/O").
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SelfManaged {
    /// It was never begun: nothing is to be flushed or cleaned up.
    Created,
    Started,
    Suspended,
    /// A callback has failed.
    Failed,
    Flushed,
    CleanedUp,
}

impl Ref<Device> {
    /// Brings the device to its working state.
    ///
    /// `STATUS_DEVICE_POWER_FAILURE` if a callback fails; the device is powered down again.
    pub(super) fn power_up(self, pnp: &Pnp) -> Result<(), NTSTATUS> {
        let device = self.handle().cast();
        let callbacks = &pnp.callbacks;
        ask!(
            callbacks.EvtDeviceD0Entry,
            "EvtDeviceD0Entry",
            device,
            FINAL
        )
        .map_err(power_failure)?;
        let enabled = ask!(
            callbacks.EvtDeviceD0EntryPostInterruptsEnabled,
            "EvtDeviceD0EntryPostInterruptsEnabled",
            device,
            FINAL
        );
        if let Err(status) = enabled {
            self.leave_d0(pnp);
            return Err(power_failure(status));
        }
        self.set_queues_power(Power::On);
        self.start_self_managed_io(pnp).map_err(|status| {
            self.set_queues_power(Power::Held);
            self.interrupts_will_be_disabled(pnp);
            self.leave_d0(pnp);
            power_failure(status)
        })
    }

    /// Takes the device out of its working state for good. A callback that fails is reported, and
    /// changes nothing.
    pub(super) fn power_down(self, pnp: &Pnp) {
        self.suspend_self_managed_io(pnp);
        self.set_queues_power(Power::Held);
        self.interrupts_will_be_disabled(pnp);
        self.leave_d0(pnp);
    }

    fn interrupts_will_be_disabled(self, pnp: &Pnp) {
        let evt_exit = pnp.callbacks.EvtDeviceD0ExitPreInterruptsDisabled;
        let name = "EvtDeviceD0ExitPreInterruptsDisabled";
        let device = self.handle().cast();
        ignore(name, ask!(evt_exit, name, device, FINAL));
    }

    fn leave_d0(self, pnp: &Pnp) {
        let evt_exit = pnp.callbacks.EvtDeviceD0Exit;
        let device = self.handle().cast();
        let name = "EvtDeviceD0Exit";
        ignore(name, ask!(evt_exit, name, device, FINAL));
    }

    /// The first start is an initialisation, the others are restarts.
    fn start_self_managed_io(self, pnp: &Pnp) -> Result<(), NTSTATUS> {
        let device = self.handle().cast();
        let callbacks = &pnp.callbacks;
        let started = match pnp.self_managed.get() {
            SelfManaged::Created => ask!(
                callbacks.EvtDeviceSelfManagedIoInit,
                "EvtDeviceSelfManagedIoInit",
                device
            ),
            _ => ask!(
                callbacks.EvtDeviceSelfManagedIoRestart,
                "EvtDeviceSelfManagedIoRestart",
                device
            ),
        };
        pnp.self_managed.set(match started {
            Ok(()) => SelfManaged::Started,
            Err(_) => SelfManaged::Failed,
        });
        started
    }

    fn suspend_self_managed_io(self, pnp: &Pnp) {
        if pnp.self_managed.get() != SelfManaged::Started {
            return;
        }
        let evt_suspend = pnp.callbacks.EvtDeviceSelfManagedIoSuspend;
        let device = self.handle().cast();
        let name = "EvtDeviceSelfManagedIoSuspend";
        let suspended = ask!(evt_suspend, name, device);
        pnp.self_managed.set(match suspended {
            Ok(()) => SelfManaged::Suspended,
            Err(_) => SelfManaged::Failed,
        });
        ignore(name, suspended);
    }

    pub(super) fn flush_self_managed_io(self, pnp: &Pnp) {
        if !matches!(
            pnp.self_managed.get(),
            SelfManaged::Suspended | SelfManaged::Failed
        ) {
            return;
        }
        pnp.self_managed.set(SelfManaged::Flushed);
        let evt_flush = pnp.callbacks.EvtDeviceSelfManagedIoFlush;
        let device = self.handle().cast();
        crate::callback::call!(evt_flush, "EvtDeviceSelfManagedIoFlush", device);
    }

    pub(super) fn clean_up_self_managed_io(self, pnp: &Pnp) {
        if pnp.self_managed.get() != SelfManaged::Flushed {
            return;
        }
        pnp.self_managed.set(SelfManaged::CleanedUp);
        let evt_cleanup = pnp.callbacks.EvtDeviceSelfManagedIoCleanup;
        let device = self.handle().cast();
        crate::callback::call!(evt_cleanup, "EvtDeviceSelfManagedIoCleanup", device);
    }
}

fn power_failure(status: NTSTATUS) -> NTSTATUS {
    report!("a callback for power returned {status:#010x}: the device fails");
    STATUS_DEVICE_POWER_FAILURE
}

fn ignore(name: &str, result: Result<(), NTSTATUS>) {
    if let Err(status) = result {
        report!("{name} returned {status:#010x}");
    }
}
