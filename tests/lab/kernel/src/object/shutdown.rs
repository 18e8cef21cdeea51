//! Devices whose drivers want to be told before the system shuts down, which it never does here.

use alloc::{format, string::String, vec::Vec};

use crate::global::Global;

/// Devices, once for each registration.
static REGISTERED: Global<Vec<u64>> = Global::new(Vec::new());

pub(crate) fn register(device: u64) {
    REGISTERED.with(|registered| registered.push(device));
}

/// Ends all registrations of a device.
pub(crate) fn unregister(device: u64) {
    REGISTERED.with(|registered| registered.retain(|&known| known != device));
}

/// Returns a line for each device that is still registered.
pub(crate) fn left() -> Vec<String> {
    REGISTERED.with(|registered| {
        registered
            .iter()
            .map(|device| format!("shutdown notification: of the device at {device:#x}"))
            .collect()
    })
}
