//! Plug and Play in the lab: a driver that prints its callbacks is started, stopped, restarted, removed
//! and taken by surprise, and its requests end in every way.

#![forbid(unsafe_code)]

use ringcopy_client::{Transport, protocol::NtStatus};
use ringcopy_lab::{Lab, LabError, Options, PnpRequest};
use ringcopy_tests::{
    CheckedLab, boot_with, completion,
    framework::{
        INTERFACE, boot, callbacks,
        codes::{
            ADD_FAILS, ALLOCATED_PROPERTY, CANCELABLE_WITHOUT_QUEUE, CHARACTERISTICS, COLLECTION,
            CONTROL_DEVICE_WITHOUT_SDDL, D0_ENTRY_FAILS, DEVICE_SCOPE, DPC, EMPTY_LINK, FILTER,
            FRAMEWORK_STATUS, KEEP, LATE_DEFAULT_QUEUE, LEVEL, LISTS_OF_ONE_BUFFER, MANUAL,
            MANUAL_QUEUE_WITH_HANDLER, MISSING_FUNCTIONS, NEITHER_OF_NOTHING,
            PARALLEL_QUEUE_FOR_NONE, PASSIVE, POST_INTERRUPTS_FAILS, PREPARE_FAILS, PROPERTY,
            PROPERTY_OF_CONTROL_DEVICE, QUERIES_FAIL, QUEUE_WITHOUT_HANDLE, RETRIEVE,
            SCOPE_OF_MEMORY, SECOND_LINK, SELF_MANAGED_IO_FAILS, SEND, SEND_AND_FORGET,
            SEND_AND_WAIT, TIMER, UNKNOWN_FLAGS, WITHOUT_FILE, WORK_ITEM,
        },
        open, opened, options, pnp, send,
    },
};

const ADDED: &[&str] = &["EvtDriverDeviceAdd"];
const POWERED_UP: &[&str] = &[
    "EvtDevicePrepareHardware",
    "EvtDeviceD0Entry",
    "EvtDeviceD0EntryPostInterruptsEnabled",
];
const POWERED_DOWN: &[&str] = &[
    "EvtDeviceSelfManagedIoSuspend",
    "EvtDeviceD0ExitPreInterruptsDisabled",
    "EvtDeviceD0Exit",
    "EvtDeviceReleaseHardware",
];
const REMOVED: &[&str] = &[
    "EvtDeviceSelfManagedIoFlush",
    "EvtDeviceSelfManagedIoCleanup",
];
const DELETED: &[&str] = &[
    "EvtCleanupCallback of the queue",
    "EvtCleanupCallback of the device",
    "EvtDriverUnload",
];
const INIT: &[&str] = &["EvtDeviceSelfManagedIoInit"];
const CLOSED: &[&str] = &["EvtFileCleanup", "EvtFileClose"];
const QUERY_REMOVE: &[&str] = &["EvtDeviceQueryRemove"];

/// Ends the lab and compares all callbacks of its run.
#[track_caller]
fn end(lab: CheckedLab, expected: &[&[&str]]) {
    let report = lab.end();
    let lines = report.log.iter().map(String::as_str);
    assert_eq!(callbacks(lines), expected.concat());
}

/// As [`end`], for a device that is started once and then removed. `while_started` comes between.
#[track_caller]
fn end_with(lab: CheckedLab, while_started: &[&str]) {
    let start = [ADDED, POWERED_UP, INIT, while_started].concat();
    end(lab, &[&start, QUERY_REMOVE, POWERED_DOWN, REMOVED, DELETED]);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn callbacks_come_in_the_documented_order() {
    let lab = boot(0);
    end_with(lab, &[]);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_device_that_stops_is_restarted_and_its_requests_wait() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    let kept = process.start_request(device, KEEP).unwrap();
    pnp(&lab, PnpRequest::QueryStop);
    pnp(&lab, PnpRequest::Stop);
    let held = process.start_request(device, LEVEL).unwrap();
    assert_eq!(lab.finish_request(held).unwrap(), NtStatus::PENDING);
    pnp(&lab, PnpRequest::Start);
    assert_eq!(lab.finish_request(held).unwrap(), NtStatus::SUCCESS);
    assert_eq!(lab.finish_request(kept).unwrap(), NtStatus::PENDING);

    pnp(&lab, PnpRequest::SurpriseRemoval);
    assert_eq!(lab.finish_request(kept).unwrap(), NtStatus::CANCELLED);
    process.close(device).unwrap();
    drop(process);
    let stop: &[&str] = &[
        "EvtDeviceQueryStop",
        "EvtDeviceSelfManagedIoSuspend",
        "EvtIoStop to suspend",
        "EvtDeviceD0ExitPreInterruptsDisabled",
        "EvtDeviceD0Exit",
        "EvtDeviceReleaseHardware",
    ];
    let surprise: &[&str] = &[
        "EvtDeviceSurpriseRemoval",
        "EvtDeviceSelfManagedIoSuspend",
        "EvtIoStop to suspend",
        "EvtDeviceD0ExitPreInterruptsDisabled",
        "EvtDeviceD0Exit",
        "EvtDeviceReleaseHardware",
        "EvtRequestCancel",
        "EvtDeviceSelfManagedIoFlush",
        "EvtFileCleanup",
        "EvtFileClose",
        "EvtDeviceSelfManagedIoCleanup",
    ];
    let restart: &[&str] = &["EvtIoResume", "EvtDeviceSelfManagedIoRestart"];
    end(
        lab,
        &[
            ADDED, POWERED_UP, INIT, stop, POWERED_UP, restart, surprise, DELETED,
        ],
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_start_that_fails_is_undone() {
    let release: &[&str] = &["EvtDeviceReleaseHardware"];
    let exit: &[&str] = &["EvtDeviceD0Exit", "EvtDeviceReleaseHardware"];
    let exit_with_interrupts: &[&str] = &[
        "EvtDeviceD0ExitPreInterruptsDisabled",
        "EvtDeviceD0Exit",
        "EvtDeviceReleaseHardware",
    ];
    for (behaviour, status, expected) in [
        (
            PREPARE_FAILS,
            NtStatus::UNSUCCESSFUL,
            [ADDED, &POWERED_UP[..1], release, DELETED].concat(),
        ),
        (
            D0_ENTRY_FAILS,
            NtStatus::DEVICE_POWER_FAILURE,
            [ADDED, &POWERED_UP[..2], release, DELETED].concat(),
        ),
        (
            POST_INTERRUPTS_FAILS,
            NtStatus::DEVICE_POWER_FAILURE,
            [ADDED, POWERED_UP, exit, DELETED].concat(),
        ),
        (
            SELF_MANAGED_IO_FAILS,
            NtStatus::DEVICE_POWER_FAILURE,
            [
                ADDED,
                POWERED_UP,
                INIT,
                exit_with_interrupts,
                REMOVED,
                DELETED,
            ]
            .concat(),
        ),
        (ADD_FAILS, NtStatus::UNSUCCESSFUL, [ADDED, DELETED].concat()),
    ] {
        let Err(LabError::DriverEntry { status: is, log }) = Lab::boot(options(behaviour)) else {
            panic!("a start that fails has to be told");
        };
        assert_eq!((is, callbacks(log.lines())), (status, expected));
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_driver_can_refuse_to_stop_and_to_be_removed() {
    let lab = Lab::boot(options(QUERIES_FAIL)).unwrap();
    for query in [PnpRequest::QueryStop, PnpRequest::QueryRemove] {
        assert_eq!(lab.plug_and_play(query).unwrap(), NtStatus::UNSUCCESSFUL);
    }
    // The manager stops no device that has refused.
    for request in [PnpRequest::Stop, PnpRequest::Remove] {
        assert_eq!(
            lab.plug_and_play(request).unwrap(),
            NtStatus::INVALID_DEVICE_STATE
        );
    }
    assert!(lab.unload().is_err());
    let (mut process, device) = opened(&lab);
    assert_eq!(send(&mut process, device, LEVEL), Ok(0));
    process.close(device).unwrap();
    drop(process);
    pnp(&lab, PnpRequest::SurpriseRemoval);
    assert_eq!(lab.unload().unwrap(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_interface_is_there_while_the_device_is() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    process.close(device).unwrap();
    pnp(&lab, PnpRequest::SurpriseRemoval);
    assert_eq!(
        completion(process.open_name(INTERFACE, 3)),
        Err(NtStatus::OBJECT_NAME_NOT_FOUND)
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_end_by_timer_work_item_and_deferred_procedure_call() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    for code in [TIMER, WORK_ITEM, DPC] {
        assert_eq!(send(&mut process, device, code), Ok(0));
    }
    let waits = process.start_request(device, MANUAL).unwrap();
    assert_eq!(lab.finish_request(waits).unwrap(), NtStatus::PENDING);
    assert_eq!(send(&mut process, device, RETRIEVE), Ok(0));
    assert_eq!(lab.finish_request(waits).unwrap(), NtStatus::SUCCESS);
    assert_eq!(
        send(&mut process, device, RETRIEVE),
        Err(NtStatus::NO_MORE_ENTRIES)
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_last_handles_end_cancels_what_waits_for_it() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    let other = open(&mut process);
    let waits = process.start_request(device, MANUAL).unwrap();
    let waits_for_other = process.start_request(other, MANUAL).unwrap();
    process.close(device).unwrap();
    assert_eq!(lab.finish_request(waits).unwrap(), NtStatus::CANCELLED);
    assert_eq!(
        lab.finish_request(waits_for_other).unwrap(),
        NtStatus::PENDING
    );
    assert_eq!(send(&mut process, other, RETRIEVE), Ok(0));
    assert_eq!(
        lab.finish_request(waits_for_other).unwrap(),
        NtStatus::SUCCESS
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_scope_decides_at_which_level_callbacks_run() {
    for (behaviour, expected) in [
        (0, Ok(0)),
        // The lock of the scope is a spin lock.
        (DEVICE_SCOPE, Err(NtStatus::INVALID_LEVEL)),
        (DEVICE_SCOPE | PASSIVE, Ok(0)),
    ] {
        let lab = boot(behaviour);
        let (mut process, device) = opened(&lab);
        assert_eq!(send(&mut process, device, LEVEL), expected);
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_framework_refuses_and_accepts_what_the_published_one_does() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    for (case, expected) in [
        (QUEUE_WITHOUT_HANDLE, Err(NtStatus::INVALID_PARAMETER_4)),
        (MANUAL_QUEUE_WITH_HANDLER, Err(NtStatus::INVALID_PARAMETER)),
        (LATE_DEFAULT_QUEUE, Err(NtStatus::INVALID_DEVICE_STATE)),
        (PARALLEL_QUEUE_FOR_NONE, Ok(0)),
        (SCOPE_OF_MEMORY, Ok(0)),
        (FRAMEWORK_STATUS, Err(NtStatus::DEVICE_BUSY)),
        (EMPTY_LINK, Err(NtStatus::INVALID_DEVICE_REQUEST)),
        (SECOND_LINK, Err(NtStatus::INVALID_DEVICE_REQUEST)),
        // The first link went with its device.
        (SECOND_LINK, Err(NtStatus::INVALID_DEVICE_REQUEST)),
        (
            CONTROL_DEVICE_WITHOUT_SDDL,
            Err(NtStatus::INVALID_DEVICE_REQUEST),
        ),
        (CHARACTERISTICS, Ok(0)),
        (
            PROPERTY_OF_CONTROL_DEVICE,
            Err(NtStatus::INVALID_DEVICE_REQUEST),
        ),
        (UNKNOWN_FLAGS, Err(NtStatus::INVALID_PARAMETER)),
        (
            CANCELABLE_WITHOUT_QUEUE,
            Err(NtStatus::INVALID_DEVICE_REQUEST),
        ),
        (NEITHER_OF_NOTHING, Err(NtStatus::BUFFER_TOO_SMALL)),
        (COLLECTION, Ok(0)),
    ] {
        assert_eq!(send(&mut process, device, case), expected, "{case:#x}");
    }
    let lists = process.device_io_control(device, LISTS_OF_ONE_BUFFER, &[1; 8], &mut [0; 8]);
    assert_eq!(completion(lists), Ok(0));
}

/// The list of hardware IDs, the enumerator and the name of the physical device are there, by a buffer and by
/// memory of the framework. Other properties are not.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_device_has_the_hardware_id_of_its_inf() {
    const ENUMERATOR: u32 = 15;
    const HARDWARE_ID: u32 = 1;
    const COMPATIBLE_IDS: u32 = 2;
    const DEVICE_NAME: u32 = 11;
    const RESOURCE_REQUIREMENTS: u32 = 20;
    for (given, expected) in [(None, r"Root\Driver"), (Some(r"Root\A&B_1"), r"Root\A&B_1")] {
        let lab = boot_with(Options {
            hardware_id: given.map(|id| id.parse().unwrap()),
            ..options(0)
        });
        let (mut process, device) = opened(&lab);
        for code in [PROPERTY, ALLOCATED_PROPERTY] {
            let mut property = |number: u32, length| {
                let mut output = vec![0; length];
                let input = number.to_le_bytes();
                let sent = process.device_io_control(device, code, &input, &mut output);
                completion(sent).map(|length| {
                    let units = output[..length].as_chunks().0.iter();
                    let units: Vec<u16> = units.map(|unit| u16::from_le_bytes(*unit)).collect();
                    String::from_utf16(&units).unwrap()
                })
            };
            assert_eq!(property(HARDWARE_ID, 512), Ok(format!("{expected}\0\0")));
            let exact = (expected.len() + 2) * 2;
            assert!(property(HARDWARE_ID, exact).is_ok());
            let short = property(HARDWARE_ID, exact - 2);
            assert_eq!(short, Err(NtStatus::BUFFER_TOO_SMALL));
            assert_eq!(property(ENUMERATOR, 512).as_deref(), Ok("ROOT\0"));
            let name = property(DEVICE_NAME, 512).unwrap();
            assert!(name.starts_with(r"\Device\"), "{name}");
            let none = property(COMPATIBLE_IDS, 512);
            assert_eq!(none, Err(NtStatus::OBJECT_NAME_NOT_FOUND));
            let unknown = property(RESOURCE_REQUIREMENTS, 512);
            assert_eq!(unknown, Err(NtStatus::INVALID_PARAMETER_2));
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_go_to_the_device_below() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    for code in [SEND, SEND_AND_WAIT, SEND_AND_FORGET] {
        // The device of the bus has no device control requests.
        assert_eq!(
            send(&mut process, device, code),
            Err(NtStatus::INVALID_DEVICE_REQUEST),
            "{code:#x}"
        );
    }
    process.close(device).unwrap();
    drop(process);
    // A driver that waits or forgets gets no callback.
    end_with(lab, &[&["EvtRequestCompletion"], CLOSED].concat());
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_request_without_a_file_is_the_drivers_to_refuse() {
    let lab = boot(0);
    let (mut process, device) = opened(&lab);
    assert_eq!(send(&mut process, device, WITHOUT_FILE), Ok(0));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_files_of_a_filter_are_those_of_the_device_below() {
    let lab = boot(FILTER);
    let mut process = lab.process(0).unwrap();
    assert_eq!(
        completion(process.open_name(INTERFACE, 3)),
        Err(NtStatus::INVALID_DEVICE_REQUEST)
    );
    drop(process);
    end_with(lab, &[]);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn functions_that_are_missing_are_all_told_at_the_end() {
    let lab = Lab::boot(options(0)).unwrap();
    let (mut process, device) = opened(&lab);
    for _ in 0..2 {
        assert_eq!(
            send(&mut process, device, MISSING_FUNCTIONS),
            Err(NtStatus::NOT_IMPLEMENTED)
        );
    }
    process.close(device).unwrap();
    drop(process);
    let report = lab.finish().unwrap();
    assert!(report.bugcheck.is_some());
    let missing: Vec<_> = report
        .log
        .iter()
        .filter_map(|line| line.split_once("WDF: missing: ").map(|(_, name)| name))
        .collect();
    assert_eq!(
        missing,
        [
            "WdfDeviceSetFailed is not implemented",
            "WdfDeviceAssignMofResourceName is not implemented",
            // At the end, in the table's order.
            "WdfDeviceAssignMofResourceName",
            "WdfDeviceSetFailed",
        ]
    );
}
