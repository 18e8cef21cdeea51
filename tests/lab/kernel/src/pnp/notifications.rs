//! Notifications of what becomes of a device that a driver has opened.
//!
//! Source: "Registering for Target Device Change Notification", "Handling a
//! `GUID_TARGET_DEVICE_QUERY_REMOVE` Event" and the pages of the other events, Windows driver
//! documentation.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::call;
use crate::global::Global;
use crate::nt::layout::{DeviceObject, FileObject, Structure};
use crate::object::{self, device};
use nt_status::NtStatus;

/// What becomes of a device: the first part of the event's GUID, in which the three differ.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Event {
    QueryRemove = 0xCB3A_4006,
    RemoveCancelled = 0xCB3A_4007,
    RemoveComplete = 0xCB3A_4008,
}

/// The parts of the GUIDs that follow.
const REST: [u8; 12] = [
    0xF0, 0x46, 0xD0, 0x11, 0xB0, 0x8F, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3F,
];

/// `TARGET_DEVICE_REMOVAL_NOTIFICATION`.
#[repr(C)]
struct Notification {
    version: u16,
    size: u16,
    event: (u32, [u8; 12]),
    file: u64,
}

const _: () = assert!(size_of::<Notification>() == 32);

#[derive(Clone, Copy)]
struct Registered {
    file: FileObject,
    /// Of the file, which may have been closed. It has a reference.
    device: DeviceObject,
    routine: u64,
    context: u64,
}

/// Registered routines by number, from 1 on.
static ROUTINES: Global<BTreeMap<u64, Registered>> = Global::new(BTreeMap::new());

/// Registers a routine for the device of a file and returns its number.
pub(crate) fn register(file: FileObject, routine: u64, context: u64) -> u64 {
    let device = DeviceObject(file.get(FileObject::DEVICE_OBJECT));
    object::reference(device.0);
    ROUTINES.with(|routines| {
        let number = routines
            .last_key_value()
            .map_or(1, |(number, _)| number + 1);
        let registered = Registered {
            file,
            device,
            routine,
            context,
        };
        routines.insert(number, registered);
        number
    })
}

/// Forgets a routine. Returns whether it was registered.
pub(crate) fn unregister(number: u64) -> bool {
    let removed = ROUTINES.with(|routines| routines.remove(&number));
    if let Some(registered) = removed {
        object::dereference(registered.device.0);
    }
    removed.is_some()
}

/// Returns a line for each routine that is still registered.
pub(crate) fn left() -> Vec<String> {
    ROUTINES.with(|routines| {
        let line = |number| format!("notification: {number} is still registered");
        routines.keys().map(line).collect()
    })
}

/// Tells the routines that are registered for a device, until one refuses a query.
///
/// The status of the routine that refuses.
pub(super) fn notify(physical: DeviceObject, event: Event) -> Result<(), NtStatus> {
    let numbers: Vec<u64> = ROUTINES.with(|routines| routines.keys().copied().collect());
    for number in numbers {
        let registered = ROUTINES.with(|routines| routines.get(&number).copied());
        let concerned =
            registered.filter(|registered| device::top(registered.device) == device::top(physical));
        let Some(Registered {
            file,
            routine,
            context,
            ..
        }) = concerned
        else {
            continue;
        };
        let notification = Notification {
            version: 1,
            size: size_of::<Notification>() as u16,
            event: (event as u32, REST),
            file: file.0,
        };
        let place = (&raw const notification) as u64;
        let told = call::driver_status("a notification", routine, [place, context, 0, 0]);
        if matches!(event, Event::QueryRemove) && told.is_error() {
            return Err(told);
        }
    }
    Ok(())
}
