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

/// Ends all registrations, and returns a line for each.
pub(crate) fn left() -> Vec<String> {
    let line = |device| format!("shutdown notification: of the device at {device:#x}");
    let registered = REGISTERED.with(core::mem::take);
    registered.into_iter().map(line).collect()
}
