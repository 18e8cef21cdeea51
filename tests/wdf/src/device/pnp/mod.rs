//! Plug and Play and power of a function device.
//!
//! A request of the Plug and Play manager moves the device from one [`State`] to another, and the
//! driver's callbacks are called on the way: [`power`] has those for power. [`requests`] has the
//! requests.
//!
//! Source: "`PnP` and Power Management Callback Sequences", "A User Plugs in a Device", "A User Unplugs
//! a Device", "Surprise-Removal Sequence", "Reporting Device Failures". The pages do not tell the order
//! after a failed callback; it is that of the framework's published sources.

mod power;
pub(crate) mod requests;

use super::{Device, interface};
use crate::{
    call::Call,
    callback::{self, ask},
    device::init,
    io_target::Target,
    nt::{device::DeviceObject, lock::SpinLock},
    object::{Ref, attributes::Attributes, create, handle_or_null},
    queue::power::Power,
    report::report,
    resources::ResourceList,
};
use core::cell::Cell;
use power::SelfManaged;
use wdk_sys::{
    NTSTATUS, PWDF_PNPPOWER_EVENT_CALLBACKS, PWDFDEVICE_INIT, STATUS_SUCCESS,
    WDF_PNPPOWER_EVENT_CALLBACKS, WDFCMRESLIST,
};

/// Where a device is between its creation and its removal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not started yet.
    Created,
    Started,
    /// Its resources are being distributed again.
    Stopped,
    /// It is gone or has failed, and waits for its removal.
    Failed,
}

/// What a function device has, and a control device does not.
pub(crate) struct Pnp {
    pub(crate) physical: DeviceObject,
    /// The next device in the stack, once the device is attached to it.
    pub(crate) lower: DeviceObject,
    pub(crate) is_filter: bool,
    callbacks: WDF_PNPPOWER_EVENT_CALLBACKS,
    /// Any thread of the driver's may read it.
    state: SpinLock<State>,
    self_managed: Cell<SelfManaged>,
    /// The raw and the translated resources, which are none.
    resources: [Cell<Option<Ref<ResourceList>>>; 2],
}

impl Pnp {
    pub(crate) const fn new(
        physical: DeviceObject,
        lower: DeviceObject,
        is_filter: bool,
        callbacks: WDF_PNPPOWER_EVENT_CALLBACKS,
    ) -> Self {
        Self {
            physical,
            lower,
            is_filter,
            callbacks,
            state: SpinLock::new(State::Created),
            self_managed: Cell::new(SelfManaged::Created),
            resources: [const { Cell::new(None) }; 2],
        }
    }

    /// Returns the handles of the raw and the translated resources.
    fn resource_lists(&self) -> [WDFCMRESLIST; 2] {
        self.resources
            .each_ref()
            .map(|place| handle_or_null(place.get()))
    }

    fn state(&self) -> State {
        *self.state.lock()
    }

    fn set_state(&self, state: State) {
        *self.state.lock() = state;
    }

    /// Whether the device has yet to be started for the first time.
    pub(crate) fn is_created(&self) -> bool {
        self.state() == State::Created
    }

    /// Whether interfaces and power-managed queues are in use.
    pub(crate) fn is_started(&self) -> bool {
        self.state() == State::Started
    }
}

/// `WdfDeviceInitSetPnpPowerEventCallbacks`.
pub(crate) fn set_callbacks(
    call: &Call,
    init: PWDFDEVICE_INIT,
    callbacks: PWDF_PNPPOWER_EVENT_CALLBACKS,
) {
    let callbacks = call.read(callbacks);
    call.require_size::<WDF_PNPPOWER_EVENT_CALLBACKS>(callbacks.Size);
    init::change(call, init, |settings| settings.pnp_callbacks = callbacks);
}

impl Ref<Device> {
    /// Makes the objects that the callbacks get, and the target of the device's own requests. They are the
    /// device's children.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn make_children(self, pnp: &Pnp) -> Result<(), NTSTATUS> {
        for place in &pnp.resources {
            let parent = Some(self.any());
            let list = create(self.client(), &Attributes::NONE, parent, ResourceList)?;
            place.set(Some(list));
        }
        let target = Target::new(self, pnp.lower);
        let parent = Some(self.any());
        let target = create(self.client(), &Attributes::NONE, parent, target)?;
        self.target.set(Some(target));
        Ok(())
    }

    /// Starts the device, whose lower drivers have started it.
    ///
    /// What `EvtDevicePrepareHardware` returns; `STATUS_DEVICE_POWER_FAILURE` if a callback for power
    /// fails. Then the device waits for its removal.
    fn start(self, pnp: &Pnp) -> Result<(), NTSTATUS> {
        let started = self.prepare_hardware(pnp).and_then(|()| self.power_up(pnp));
        if started.is_err() {
            self.release_hardware(pnp);
            self.clean_up_for_removal(pnp);
            return started;
        }
        pnp.set_state(State::Started);
        interface::set_all_enabled(self, true);
        Ok(())
    }

    /// Stops the device, so that its resources can change.
    fn stop(self, pnp: &Pnp) {
        let was_started = pnp.is_started();
        pnp.set_state(State::Stopped);
        if was_started {
            self.power_down(pnp);
            self.release_hardware(pnp);
        }
    }

    /// Ends the use of a device that has disappeared.
    fn end_by_surprise(self, pnp: &Pnp) {
        let evt_surprise_removal = pnp.callbacks.EvtDeviceSurpriseRemoval;
        callback::call!(
            evt_surprise_removal,
            "EvtDeviceSurpriseRemoval",
            self.handle().cast()
        );
        self.end(pnp);
    }

    /// Ends the use of a device, and leaves what it needs only until its removal.
    fn end(self, pnp: &Pnp) {
        match pnp.state() {
            State::Started => {
                self.power_down(pnp);
                self.release_hardware(pnp);
                self.clean_up_for_removal(pnp);
            }
            State::Stopped | State::Created => self.clean_up_for_removal(pnp),
            State::Failed => {}
        }
    }

    /// Removes the device except for its device object.
    fn remove(self, pnp: &Pnp) {
        self.end(pnp);
        self.set_queues_power(Power::PurgedWithAll);
        self.clean_up_self_managed_io(pnp);
    }

    fn clean_up_for_removal(self, pnp: &Pnp) {
        pnp.set_state(State::Failed);
        interface::set_all_enabled(self, false);
        self.delete_link();
        self.set_queues_power(Power::Purged);
        self.flush_self_managed_io(pnp);
    }

    fn prepare_hardware(self, pnp: &Pnp) -> Result<(), NTSTATUS> {
        let [raw, translated] = pnp.resource_lists();
        let evt_prepare = pnp.callbacks.EvtDevicePrepareHardware;
        let device = self.handle().cast();
        ask!(
            evt_prepare,
            "EvtDevicePrepareHardware",
            device,
            raw,
            translated
        )
    }

    /// Calls `EvtDeviceReleaseHardware`, also after `EvtDevicePrepareHardware` has failed. A failure
    /// changes nothing.
    fn release_hardware(self, pnp: &Pnp) {
        let [_, translated] = pnp.resource_lists();
        let evt_release = pnp.callbacks.EvtDeviceReleaseHardware;
        let device = self.handle().cast();
        let released = ask!(evt_release, "EvtDeviceReleaseHardware", device, translated);
        if let Err(status) = released {
            report!("EvtDeviceReleaseHardware returned {status:#010x}");
        }
    }

    /// Asks the driver whether the device may be stopped or removed.
    ///
    /// What the callback returns.
    fn ask_query(self, pnp: &Pnp, query: Query) -> NTSTATUS {
        let device = self.handle().cast();
        let asked = match query {
            Query::Stop => ask!(
                pnp.callbacks.EvtDeviceQueryStop,
                "EvtDeviceQueryStop",
                device
            ),
            Query::Remove => ask!(
                pnp.callbacks.EvtDeviceQueryRemove,
                "EvtDeviceQueryRemove",
                device
            ),
        };
        asked.err().unwrap_or(STATUS_SUCCESS)
    }
}

/// A question of the Plug and Play manager.
#[derive(Clone, Copy)]
enum Query {
    Stop,
    Remove,
}
