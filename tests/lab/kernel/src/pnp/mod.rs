//! The Plug and Play manager, with a bus of its own below the root: one device for a driver that sets
//! `AddDevice`.
//!
//! The device is there from the driver's start to its unload. Its resources are none. The host asks
//! for the requests that a rebalance or a removal makes, one by one; [`requests`] refuses those that
//! the manager would not send in the device's state.
//!
//! Source: "State Transitions for `PnP` Devices", "Adding a `PnP` Device to a Running System", "Removing a
//! Device" and "Rules for Handling `PnP` IRPs", Windows driver documentation.

mod bus;
pub(crate) mod identity;
pub(crate) mod interfaces;
pub(crate) mod notifications;
pub(crate) mod requests;

pub(crate) use bus::{dispatch as bus_dispatch, is_dispatch as is_bus_dispatch};

use crate::global::Global;
use crate::nt::layout::{DeviceObject, DriverExtension, DriverObject, Structure};
use crate::object::device;
use crate::serial::say;
use crate::{call, irql};
use nt_status::NtStatus;
use ringcopy_lab_mailbox::PnpRequest;

/// Where a device is between its discovery and its removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its drivers are asked to add devices to its stack.
    Added,
    Started,
    StopPending,
    Stopped,
    RemovePending,
    /// It is gone, and its stack is to be removed.
    SurpriseRemoved,
    /// It did not start, and its stack is to be removed.
    Failed,
}

/// A device of the bus.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The bus driver's device object for it.
    physical: DeviceObject,
    state: State,
}

/// The device of the driver under test.
static NODE: Global<Option<Node>> = Global::new(None);

fn node() -> Result<Node, NtStatus> {
    NODE.with(|node| *node).ok_or(NtStatus::NO_SUCH_DEVICE)
}

fn set_state(state: State) {
    NODE.with(|node| {
        if let Some(node) = node {
            node.state = state;
        }
    });
}

/// Whether a device object is the bus driver's for a device.
pub(crate) fn is_physical(device: DeviceObject) -> bool {
    NODE.with(|node| node.is_some_and(|node| node.physical == device))
}

/// Whether a file may be opened on a device. The I/O manager opens none on a stack whose physical
/// device has not started.
pub(crate) fn may_be_opened(device: DeviceObject) -> bool {
    NODE.with(|node| *node).is_none_or(|node| {
        device::top(node.physical) != device::top(device) || node.state == State::Started
    })
}

/// Finds a device for a driver with an `AddDevice` routine, asks the driver to add its own device
/// object, and starts the device. A device that fails is removed.
///
/// The status of the bus driver, of `AddDevice`, or of the start.
pub(crate) fn find_device(driver: DriverObject) -> Result<(), NtStatus> {
    let extension = DriverExtension(driver.get(DriverObject::DRIVER_EXTENSION));
    let add_device = extension.get(DriverExtension::ADD_DEVICE);
    if add_device == 0 {
        return Ok(());
    }
    let physical = bus::make_device()?;
    let state = State::Added;
    NODE.with(|node| *node = Some(Node { physical, state }));
    if let Err(unknown) = identity::learn(physical) {
        forget();
        return Err(unknown);
    }

    irql::set(irql::PASSIVE_LEVEL);
    let added = call::driver_status("AddDevice", add_device, [driver.0, physical.0, 0, 0]);
    say!("AddDevice gave {added}");
    if added.is_error() {
        forget();
        return Err(added);
    }
    let started = requests::send(PnpRequest::Start)?;
    if started.is_error() {
        requests::send(PnpRequest::Remove)?;
        return Err(started);
    }
    Ok(())
}

/// Removes the device, before its driver is unloaded.
///
/// The status with which the driver refuses the removal.
pub(crate) fn remove_device() -> Result<(), NtStatus> {
    let Ok(node) = node() else { return Ok(()) };
    if node.state == State::Started {
        let asked = requests::send(PnpRequest::QueryRemove)?;
        if asked.is_error() {
            requests::send(PnpRequest::CancelRemove)?;
            return Err(asked);
        }
    }
    requests::send(PnpRequest::Remove).map(|_| ())
}

/// Deletes the device of the bus, whose stack is gone.
fn forget() {
    let Some(node) = NODE.with(Option::take) else {
        return;
    };
    interfaces::forget(node.physical);
    bus::delete_device(node.physical);
}
