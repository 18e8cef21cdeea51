//! The stand-in's test driver in the lab.

#[path = "../../wdf/driver/src/codes.rs"]
#[expect(missing_docs, reason = "names that say what the constants are")]
pub mod codes;

use crate::{CheckedLab, artefact, boot_with, completion};
use ringcopy_client::{Handle, Transport, protocol::NtStatus};
use ringcopy_lab::{Lab, Options, PnpRequest, Process, RegistryValue};

/// The class of the driver's interface.
pub const INTERFACE: &str = "{5b2c0a0e-3c3e-4b0e-9b3c-0a0b0c0d0e0f}";

/// Returns the options of a lab for the driver, with bits of [`codes`] for its behaviour.
#[must_use]
pub fn options(behaviour: u32) -> Options {
    Options {
        values: vec![RegistryValue::number("Behaviour", behaviour)],
        processors: 1,
        ..Options::new(
            artefact("RINGCOPY_LAB_KERNEL"),
            [
                artefact("RINGCOPY_WDFLDR"),
                artefact("RINGCOPY_WDF_TEST_DRIVER"),
            ],
        )
    }
}

/// Starts such a lab.
///
/// # Panics
/// If it does not start.
#[must_use]
pub fn boot(behaviour: u32) -> CheckedLab {
    boot_with(options(behaviour))
}

/// Returns the names of the driver's callbacks in lines of a log.
#[must_use]
pub fn callbacks<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    lines
        .into_iter()
        .filter_map(|line| line.split_once("pnp: ").map(|(_, name)| name))
        .collect()
}

/// Sends a request of the Plug and Play manager to the device.
///
/// # Panics
/// If the device refuses it.
#[track_caller]
pub fn pnp(lab: &Lab, request: PnpRequest) {
    assert_eq!(lab.plug_and_play(request).unwrap(), NtStatus::SUCCESS);
}

/// Opens the device.
///
/// # Panics
/// If it does not open.
#[must_use]
pub fn open(process: &mut Process<'_>) -> Handle {
    process.open_name(INTERFACE, 3).unwrap()
}

/// Starts a process that has opened the device.
///
/// # Panics
/// If either fails.
#[must_use]
pub fn opened(lab: &Lab) -> (Process<'_>, Handle) {
    let mut process = lab.process(0).unwrap();
    let device = open(&mut process);
    (process, device)
}

/// Sends a request and waits for its end.
///
/// # Errors
/// The request's status.
pub fn send(process: &mut Process<'_>, device: Handle, code: u32) -> Result<usize, NtStatus> {
    completion(process.device_io_control(device, code, &[], &mut []))
}
