//! I/O targets that a driver opens, and requests that it makes, in the KMDF stand-in.

#![forbid(unsafe_code)]

use ringcopy_client::{Handle, Transport, protocol::NtStatus};
use ringcopy_lab::{PnpRequest, Process};
use ringcopy_tests::{
    completion,
    framework::{
        boot, callbacks,
        codes::{
            CLOSE_TARGET, CRITICAL_REGION, EMPTY_NAME, EXISTING_DEVICE, FEW_LOCATIONS, FORGOTTEN,
            OPEN_TARGET, REOPEN_TARGET, TARGET_CALLBACKS, TARGET_CANCEL, TARGET_KEEP, TARGET_LATER,
            TARGET_LEVEL, TARGET_LIMIT, TARGET_LIMIT_LATER, TARGET_REVERSE, TARGET_STATE,
            TARGET_TRANSFER, TOO_MANY_BYTES,
        },
        opened, pnp, send,
    },
};

// Members of `WDF_IO_TARGET_STATE`.
const STARTED: usize = 1;
const CLOSED_FOR_QUERY_REMOVE: usize = 3;
const CLOSED: usize = 4;

fn state(process: &mut Process<'_>, device: Handle) -> usize {
    completion(process.device_io_control(device, TARGET_STATE, &[], &mut [0; 8])).unwrap()
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_driver_opens_a_device_by_name_and_sends_it_requests() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    for code in [
        OPEN_TARGET,
        TARGET_LEVEL,
        TARGET_REVERSE,
        TARGET_TRANSFER,
        TARGET_LATER,
        REOPEN_TARGET,
        TARGET_LEVEL,
    ] {
        assert_eq!(send(&mut process, device, code), Ok(0), "{code:#x}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_target_refuses_what_the_published_framework_does() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    for (code, expected) in [
        (EMPTY_NAME, Err(NtStatus::INVALID_PARAMETER)),
        // The device of the bus has no device control requests.
        (EXISTING_DEVICE, Err(NtStatus::INVALID_DEVICE_REQUEST)),
        (OPEN_TARGET, Ok(0)),
        (OPEN_TARGET, Err(NtStatus::INVALID_DEVICE_STATE)),
        (TOO_MANY_BYTES, Err(NtStatus::INTEGER_OVERFLOW)),
        (FEW_LOCATIONS, Err(NtStatus::REQUEST_NOT_ACCEPTED)),
        (FORGOTTEN, Err(NtStatus::INVALID_DEVICE_STATE)),
        (CLOSE_TARGET, Ok(0)),
        (TARGET_LEVEL, Err(NtStatus::INVALID_DEVICE_STATE)),
        (TARGET_LATER, Err(NtStatus::INVALID_DEVICE_STATE)),
    ] {
        assert_eq!(send(&mut process, device, code), expected, "{code:#x}");
    }
    assert_eq!(state(&mut process, device), CLOSED);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_driver_cancels_what_it_has_sent_and_sends_it_again() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    for code in [OPEN_TARGET, TARGET_CANCEL] {
        assert_eq!(send(&mut process, device, code), Ok(0), "{code:#x}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_request_has_a_time_limit() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    assert_eq!(send(&mut process, device, OPEN_TARGET), Ok(0));
    for code in [TARGET_LIMIT, TARGET_LIMIT_LATER] {
        let expected = Err(NtStatus::IO_TIMEOUT);
        assert_eq!(send(&mut process, device, code), expected, "{code:#x}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_target_that_goes_away_is_closed_and_may_come_back() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    assert_eq!(send(&mut process, device, OPEN_TARGET), Ok(0));
    assert_eq!(state(&mut process, device), STARTED);
    let kept = process.start_request(device, TARGET_KEEP).unwrap();
    pnp(&lab, PnpRequest::QueryRemove);
    assert_eq!(lab.finish_request(kept).unwrap(), NtStatus::CANCELLED);
    assert_eq!(state(&mut process, device), CLOSED_FOR_QUERY_REMOVE);
    assert_eq!(
        send(&mut process, device, TARGET_LEVEL),
        Err(NtStatus::INVALID_DEVICE_STATE)
    );
    pnp(&lab, PnpRequest::CancelRemove);
    assert_eq!(state(&mut process, device), STARTED);
    assert_eq!(send(&mut process, device, TARGET_LEVEL), Ok(0));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_driver_is_told_what_becomes_of_its_target() {
    let lab = boot(TARGET_CALLBACKS);
    let (mut process, device) = opened(&lab);
    assert_eq!(send(&mut process, device, OPEN_TARGET), Ok(0));
    pnp(&lab, PnpRequest::QueryRemove);
    assert_eq!(state(&mut process, device), CLOSED_FOR_QUERY_REMOVE);
    pnp(&lab, PnpRequest::CancelRemove);
    assert_eq!(state(&mut process, device), STARTED);
    pnp(&lab, PnpRequest::SurpriseRemoval);
    process.close(device).unwrap();
    drop(process);
    let report = lab.end();
    let told: Vec<_> = callbacks(report.log.iter().map(String::as_str))
        .into_iter()
        .filter(|name| name.starts_with("EvtIoTarget"))
        .collect();
    assert_eq!(
        told,
        [
            "EvtIoTargetQueryRemove",
            "EvtIoTargetRemoveCanceled",
            "EvtIoTargetRemoveComplete",
        ]
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_thread_with_a_request_is_not_suspended() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    assert_eq!(send(&mut process, device, CRITICAL_REGION), Ok(0));
}
