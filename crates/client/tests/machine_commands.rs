//! The commands that install, load and examine the driver, as a user and a script see them.

#![cfg(feature = "program")]
#![forbid(unsafe_code)]

#[path = "simulated/console/mod.rs"]
mod console;
#[path = "simulated/driver/mod.rs"]
mod driver;
#[path = "simulated/system/mod.rs"]
mod system;

use console::{run_on, to};
use driver::SimulatedDriver;
use ringcopy_client::{
    TransportError,
    cli::{FAILURE, SUCCESS, USAGE},
    machine::{self, TraceRecord},
    protocol::EngineKind,
    suites::abuse,
    trace::{PROVIDER, Raw},
};
use serde_json::Value;
use system::{SimulatedSystem, UNKNOWN};

/// Returns the exit code and the document of a command with `--json`.
fn document(system: &mut SimulatedSystem, command: &str) -> (i32, Value) {
    let line = format!("--json {command}");
    let output = run_on(Some(system), &mut to(SimulatedDriver::default), &line);
    let document = serde_json::from_str(&output.out).unwrap_or_default();
    (output.code, document)
}

/// Returns a system with the driver loaded, with one change.
fn running(change: impl FnOnce(&mut SimulatedSystem)) -> SimulatedSystem {
    let mut system = SimulatedSystem::installed();
    system.disk.running = true;
    change(&mut system);
    system
}

fn verdict<'d>(document: &'d Value, name: &str) -> &'d str {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no check of {name}"))["verdict"]
        .as_str()
        .unwrap()
}

#[test]
fn doctor_finds_nothing_wrong_with_a_complete_system() {
    let (code, document) = document(&mut running(|_| ()), "doctor");
    assert_eq!(code, SUCCESS, "{document:#}");
    for name in [
        "Windows",
        "administrator",
        "test signing",
        "Secure Boot",
        "service",
        "driver",
        "protocol",
        "policy",
    ] {
        assert_eq!(verdict(&document, name), "good", "{name}");
    }
}

#[test]
fn windows_10_version_2004_is_recent_enough() {
    let mut system = running(|system| system.facts.version = [10, 0, 19041]);
    let (code, document) = document(&mut system, "doctor");
    assert_eq!((code, verdict(&document, "Windows")), (SUCCESS, "good"));
}

#[test]
fn doctor_names_what_is_missing_with_advice() {
    type Change = fn(&mut SimulatedSystem);
    let changes: [(&str, Change, &str); 5] = [
        (
            "Windows",
            |system| system.facts.version = [10, 0, 18363],
            "Windows 10 version 2004",
        ),
        (
            "administrator",
            |system| system.facts.elevated = Some(false),
            "as an administrator",
        ),
        (
            "test signing",
            |system| system.facts.code_integrity = Ok(1),
            "bcdedit",
        ),
        (
            "Secure Boot",
            |system| system.facts.secure_boot = Some(true),
            "settings",
        ),
        (
            "service",
            |system| system.disk.service = None,
            "ringcopy install",
        ),
    ];
    for (name, change, advice) in changes {
        let (code, document) = document(&mut running(change), "doctor");
        assert_eq!((code, verdict(&document, name)), (FAILURE, "bad"), "{name}");
        let checks = document["checks"].to_string();
        assert!(checks.contains(advice), "{name}: {checks}");
    }
}

/// What a person types right after `install`.
#[test]
fn doctor_does_not_want_a_driver_to_be_loaded() {
    let (code, document) = document(&mut SimulatedSystem::installed(), "doctor");
    assert_eq!((code, verdict(&document, "service")), (SUCCESS, "unknown"));
    let checks = document["checks"].to_string();
    assert!(checks.contains("`ringcopy start` loads it"), "{checks}");
}

/// Virtualization-based security can run without memory integrity.
#[test]
fn doctor_tells_vbs_from_memory_integrity() {
    const MEMORY_INTEGRITY: u32 = 0x400;
    let off = Ok(0x3);
    let on = Ok(0x3 | MEMORY_INTEGRITY);
    for (code_integrity, vbs_enabled, vbs, memory_integrity, says) in [
        (off, Some(false), "good", "good", "not turned on"),
        (
            off,
            Some(true),
            "unknown",
            "good",
            "without memory integrity",
        ),
        (off, None, "unknown", "good", "not known"),
        (on, Some(false), "unknown", "unknown", "on, with memory"),
        (on, Some(true), "unknown", "unknown", "on, with memory"),
        (on, None, "unknown", "unknown", "on, with memory"),
        (UNKNOWN, Some(true), "unknown", "unknown", "turned on"),
        (UNKNOWN, Some(false), "good", "unknown", "not turned on"),
        (UNKNOWN, None, "unknown", "unknown", "not known"),
    ] {
        let mut system = running(|system| {
            system.facts.code_integrity = code_integrity;
            system.facts.vbs_enabled = vbs_enabled;
        });
        let (code, document) = document(&mut system, "doctor");
        let context = format!("{code_integrity:x?}, {vbs_enabled:?}: {document:#}");
        assert_eq!(code, SUCCESS, "{context}");
        assert_eq!(verdict(&document, "VBS"), vbs, "{context}");
        assert_eq!(
            verdict(&document, "memory integrity"),
            memory_integrity,
            "{context}"
        );
        let checks = document["checks"].as_array().unwrap();
        let row = checks.iter().find(|row| row["name"] == "VBS").unwrap();
        assert!(row["found"].as_str().unwrap().contains(says), "{context}");
    }
}

#[test]
fn unknown_facts_are_not_failures() {
    let mut system = running(|system| {
        system.facts.code_integrity = UNKNOWN;
        system.facts.secure_boot = None;
        system.facts.elevated = None;
    });
    let (code, document) = document(&mut system, "doctor");
    assert_eq!(code, SUCCESS, "{document:#}");
    assert_eq!(verdict(&document, "test signing"), "unknown");
    assert_eq!(verdict(&document, "memory integrity"), "unknown");
}

#[test]
fn policy_set_changes_only_what_is_named() {
    let mut system = SimulatedSystem::installed();
    let (code, set) = document(&mut system, "policy set --reach system,physical");
    assert_eq!(code, SUCCESS);
    assert_eq!(set["policy"]["physical"], true);
    assert_eq!(system.disk.parameters["Policy"], 3);
    let (_, set) = document(&mut system, "policy set --engine system");
    assert_eq!(set["policy"]["engine"], "system");
    assert_eq!(system.disk.parameters["Policy"], 3, "it was not named");
    let (_, set) = document(&mut system, "policy set --reach user");
    assert_eq!(set["policy"]["physical"], false);
    assert_eq!(system.disk.parameters["Policy"], 0);
    let (_, shown) = document(&mut system, "policy");
    assert_eq!(shown["policy"], set["policy"]);
    assert_eq!(document(&mut system, "policy set").0, USAGE);
    let (code, none) = document(&mut SimulatedSystem::default(), "policy");
    assert_eq!(code, FAILURE);
    assert!(none["error"].as_str().unwrap().contains("ringcopy install"));
}

#[test]
fn trust_in_kernel_callers_is_independent_of_reach() {
    let mut system = SimulatedSystem::installed();
    let mut set = |arguments: &str| {
        let (code, set) = document(&mut system, &format!("policy set {arguments}"));
        assert_eq!(code, SUCCESS);
        let trusted = set["policy"]["kernel_callers"].as_bool().unwrap();
        (trusted, system.disk.parameters["Policy"])
    };
    assert_eq!(set("--reach all"), (false, 3));
    assert_eq!(set("--kernel-callers trust"), (true, 7));
    assert_eq!(set("--reach user"), (true, 4));
    assert_eq!(set("--kernel-callers check"), (false, 0));
}

#[test]
fn every_setting_is_shown_and_set() {
    let mut system = SimulatedSystem::installed();
    let (_, shown) = document(&mut system, "policy show");
    assert_eq!(shown["policy"]["maximum_handles"], 256);
    assert_eq!(shown["policy"]["native_under_hypervisor"], false);
    let line = "policy set --maximum-handles 4096 --native-under-hypervisor allow";
    let (code, set) = document(&mut system, line);
    assert_eq!(code, SUCCESS);
    assert_eq!(set["policy"]["maximum_handles"], 4096);
    assert_eq!(set["policy"]["native_under_hypervisor"], true);
    assert_eq!(system.disk.parameters["MaximumHandles"], 4096);
    assert_eq!(system.disk.parameters["Native"], 1);
    let (_, set) = document(&mut system, "policy set --native-under-hypervisor forbid");
    assert_eq!(set["policy"]["native_under_hypervisor"], false);
    assert_eq!(system.disk.parameters["MaximumHandles"], 4096);
    for count in ["0", "4097", "0x1_0000_0100", "many"] {
        let line = format!("policy set --maximum-handles {count}");
        assert_eq!(document(&mut system, &line).0, USAGE, "{count}");
    }
    assert_eq!(system.disk.parameters["MaximumHandles"], 4096);
}

#[test]
fn policy_set_removes_unknown_bits() {
    let mut system = SimulatedSystem::installed();
    system.disk.parameters.insert("Policy".into(), 0x8000_0002);
    let (code, set) = document(&mut system, "policy set --engine system");
    assert_eq!((code, &set["policy"]["physical"]), (SUCCESS, &true.into()));
    assert_eq!(system.disk.parameters["Policy"], 2);
}

#[test]
fn without_a_system_each_command_is_refused() {
    for command in [
        "install",
        "uninstall",
        "start",
        "stop",
        "status",
        "policy",
        "trace stop",
        "doctor",
        "vm-test",
        "guest",
    ] {
        let refused = || Err(TransportError::Lost("it was called".into()));
        let output = run_on(None, &mut { refused }, command);
        assert_eq!(output.code, FAILURE);
        output.err_has("cargo xtask lab");
    }
}

#[test]
fn abuse_finds_a_driver_that_accepts_malformed_requests() {
    let found = abuse::run(&mut SimulatedDriver::with(|driver| {
        driver.accepts_any_header = true;
    }))
    .unwrap();
    for wrong in [
        "information: version 0: succeeded, with 128 bytes",
        "information: version 0: the output was written",
        "copy memory: size 0: succeeded, with 56 bytes",
    ] {
        assert!(found.wrong.iter().any(|found| found == wrong), "{wrong}");
    }
    assert!(found.requests > 100, "{}", found.requests);
}

#[test]
fn abuse_finds_nothing_in_a_driver_that_validates() {
    let found = abuse::run(&mut SimulatedDriver::default()).unwrap();
    assert_eq!(found.wrong, Vec::<String>::new());
}

#[test]
fn an_invalid_engine_setting_is_the_systems_engine_as_in_the_driver() {
    let mut system = SimulatedSystem::installed();
    system.disk.parameters.insert("Engine".into(), 77);
    let policy = machine::policy(&mut system).unwrap();
    assert_eq!(policy.engine, EngineKind::System);
}

/// An event of the driver's, which has one field.
fn opened(time: i64) -> TraceRecord {
    let sized = |description: &[u8]| {
        let length = u16::try_from(description.len() + 2).unwrap();
        [&length.to_le_bytes(), description].concat()
    };
    TraceRecord {
        time,
        process: 12,
        thread: 34,
        event: Raw {
            provider: PROVIDER,
            level: 4,
            provider_metadata: sized(b"RingCopy.Driver\0"),
            event_metadata: sized(b"\0Opened\0Privileged\0\x84\x03"),
            data: vec![1],
        },
    }
}

#[test]
fn events_are_collected_and_shown() {
    let mut system = SimulatedSystem::default();
    let (code, none) = document(&mut system, "trace stop");
    assert_eq!(code, FAILURE);
    let sentence = none["error"].as_str().unwrap();
    assert!(sentence.contains("ringcopy trace start"), "{sentence}");

    let (code, started) = document(&mut system, "trace start --file a.etl --level warning");
    assert_eq!((code, &started["result"]), (SUCCESS, &"started".into()));
    let (file, level) = system.session.clone().unwrap();
    assert!(file.is_absolute() && file.ends_with("a.etl"), "{file:?}");
    assert_eq!(level, 3);
    let (code, twice) = document(&mut system, "trace start");
    assert_eq!(code, FAILURE);
    let sentence = twice["error"].as_str().unwrap();
    assert!(sentence.contains("ringcopy trace stop"), "{sentence}");
    let (code, stopped) = document(&mut system, "trace stop");
    assert_eq!((code, &stopped["lost"]), (SUCCESS, &2.into()));

    let mut other = opened(0);
    other.event.provider = 1;
    system.events = vec![other, opened(10_000_000), opened(25_000_000)];
    let (code, shown) = document(&mut system, "trace show");
    assert_eq!(code, SUCCESS);
    let events = shown["events"].as_array().unwrap();
    assert_eq!(events.len(), 2, "events of another provider are left out");
    assert_eq!(events[0]["event"], "Opened");
    assert_eq!(events[0]["fields"]["Privileged"], true);
    let text = run_on(
        Some(&mut system),
        &mut to(SimulatedDriver::default),
        "trace show",
    );
    let last = text.out.lines().last().unwrap();
    assert_eq!(
        last.trim_start(),
        "+1.5000000     12 information Opened Privileged=true"
    );
}

#[test]
fn uninstalling_stops_a_session_and_leaves_its_file() {
    let mut system = SimulatedSystem::installed();
    system.events = vec![opened(0)];
    assert_eq!(document(&mut system, "trace start --file a.etl").0, SUCCESS);
    let (file, _) = system.session.clone().unwrap();
    let (code, uninstalled) = document(&mut system, "uninstall");
    assert_eq!(
        (code, &uninstalled["result"]),
        (SUCCESS, &"uninstalled".into())
    );
    assert_eq!(uninstalled["trace"], file.to_str().unwrap());
    assert_eq!(system.session, None);
    let (code, shown) = document(&mut system, "trace show a.etl");
    assert_eq!(
        (code, &shown["events"][0]["event"]),
        (SUCCESS, &"Opened".into())
    );

    // A session without a driver, and neither.
    assert_eq!(document(&mut system, "trace start").0, SUCCESS);
    let (code, nothing) = document(&mut system, "uninstall");
    assert_eq!((code, &nothing["result"]), (SUCCESS, &"unchanged".into()));
    assert!(nothing["trace"].is_string());
    let (code, nothing) = document(&mut system, "uninstall");
    assert_eq!((code, &nothing["trace"]), (SUCCESS, &Value::Null));
}

#[test]
fn a_damaged_event_is_told_beside_the_others() {
    let mut system = SimulatedSystem::default();
    let mut damaged = opened(0);
    damaged.event.data.clear();
    system.events = vec![damaged, opened(1)];
    let text = run_on(
        Some(&mut system),
        &mut to(SimulatedDriver::default),
        "trace show",
    );
    assert_eq!(text.code, FAILURE);
    text.err_has("cannot be decoded");
    assert!(text.out.contains("Opened"), "{}", text.out);
}

#[test]
fn what_windows_says_of_a_trace_becomes_a_sentence() {
    for (code, sentence) in [
        (2, "there is no file"),
        (13, "not written by a trace session"),
        (1450, "logman"),
        (5, "as an administrator"),
    ] {
        let mut system = SimulatedSystem {
            fail: Some((0, code)),
            ..SimulatedSystem::default()
        };
        let (exit, document) = document(&mut system, "trace show");
        assert_eq!(exit, FAILURE);
        let error = document["error"].as_str().unwrap();
        assert!(error.contains(sentence), "{code}: {error}");
    }
}
