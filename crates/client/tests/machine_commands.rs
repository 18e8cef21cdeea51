//! The commands about the driver's machine, as a user and a script see them.

#![cfg(feature = "program")]
#![forbid(unsafe_code)]

#[path = "simulated/console/mod.rs"]
mod console;
#[path = "simulated/driver/mod.rs"]
mod driver;
#[path = "simulated/system/mod.rs"]
mod system;

use console::{run_on, to};
use ringcopy_client::{
    TransportError,
    cli::{FAILURE, SUCCESS, USAGE},
    machine,
    suites::abuse,
};
use serde_json::Value;
use system::{SimulatedSystem, UNTOLD};

/// Exit code and document of a command with `--json`.
fn document(machine: &mut SimulatedSystem, command: &[&str]) -> (i32, Value) {
    let args = [&["--json"], command].concat();
    let output = run_on(
        Some(machine),
        &mut to(driver::SimulatedDriver::default),
        &args,
    );
    let document = serde_json::from_str(&output.out).unwrap_or_default();
    (output.code, document)
}

fn verdict(document: &Value, name: &str) -> String {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no check of {name}"))["verdict"]
        .as_str()
        .unwrap()
        .into()
}

#[test]
fn a_machine_that_has_all_is_found_well() {
    let mut machine = SimulatedSystem::installed();
    machine.disk.running = true;
    let (code, document) = document(&mut machine, &["doctor"]);
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
    let mut machine = SimulatedSystem::installed();
    machine.disk.running = true;
    machine.facts.version = [10, 0, 19041];
    let (code, document) = document(&mut machine, &["doctor"]);
    assert_eq!(
        (code, verdict(&document, "Windows").as_str()),
        (SUCCESS, "good")
    );
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    type Break = fn(&mut SimulatedSystem);
    let breaks: [(&str, Break, &str); 6] = [
        (
            "Windows",
            |machine| machine.facts.version = [10, 0, 18363],
            "Windows 10 version 2004",
        ),
        (
            "administrator",
            |machine| machine.facts.elevated = Some(false),
            "as an administrator",
        ),
        (
            "test signing",
            |machine| machine.facts.code_integrity = Ok(1),
            "bcdedit",
        ),
        (
            "Secure Boot",
            |machine| machine.facts.secure_boot = Some(true),
            "settings",
        ),
        (
            "service",
            |machine| machine.disk.service = None,
            "ringcopy install",
        ),
        (
            "service",
            |machine| machine.disk.running = false,
            "ringcopy start",
        ),
    ];
    for (name, break_it, advice) in breaks {
        let mut machine = SimulatedSystem::installed();
        machine.disk.running = true;
        break_it(&mut machine);
        let (code, document) = document(&mut machine, &["doctor"]);
        assert_eq!(
            (code, verdict(&document, name).as_str()),
            (FAILURE, "bad"),
            "{name}"
        );
        assert!(
            document["checks"].to_string().contains(advice),
            "{name}: {document:#}"
        );
    }
}

#[test]
fn what_cannot_be_told_is_not_called_bad() {
    let mut machine = SimulatedSystem::installed();
    machine.disk.running = true;
    machine.facts.code_integrity = UNTOLD;
    machine.facts.secure_boot = None;
    machine.facts.elevated = None;
    let (code, document) = document(&mut machine, &["doctor"]);
    assert_eq!(code, SUCCESS, "{document:#}");
    assert_eq!(verdict(&document, "test signing"), "unknown");
    assert_eq!(verdict(&document, "memory integrity"), "unknown");
}

#[test]
fn a_policy_is_set_piece_by_piece() {
    let mut machine = SimulatedSystem::installed();
    let (code, set) = document(
        &mut machine,
        &["policy", "set", "--reach", "system,physical"],
    );
    assert_eq!(code, SUCCESS);
    assert_eq!(set["policy"]["physical"], true);
    assert_eq!(machine.disk.parameters["Policy"], 3);
    let (_, set) = document(&mut machine, &["policy", "set", "--engine", "system"]);
    assert_eq!(set["policy"]["engine"], "system");
    assert_eq!(
        machine.disk.parameters["Policy"], 3,
        "what is not named stays"
    );
    let (_, set) = document(&mut machine, &["policy", "set", "--reach", "user"]);
    assert_eq!(set["policy"]["physical"], false);
    assert_eq!(machine.disk.parameters["Policy"], 0);
    let (_, shown) = document(&mut machine, &["policy"]);
    assert_eq!(shown["policy"], set["policy"]);
    assert_eq!(document(&mut machine, &["policy", "set"]).0, USAGE);
    let (code, none) = document(&mut SimulatedSystem::default(), &["policy"]);
    assert_eq!(code, FAILURE);
    assert!(none["error"].as_str().unwrap().contains("ringcopy install"));
}

#[test]
fn trust_in_kernel_callers_is_set_apart_from_reach() {
    let mut machine = SimulatedSystem::installed();
    let mut set = |arguments: &[&str]| {
        let arguments = [&["policy", "set"], arguments].concat();
        let (code, set) = document(&mut machine, &arguments);
        assert_eq!(code, SUCCESS);
        let trusted = set["policy"]["kernel_callers"].as_bool().unwrap();
        (trusted, machine.disk.parameters["Policy"])
    };
    assert_eq!(set(&["--reach", "all"]), (false, 3));
    assert_eq!(set(&["--kernel-callers", "trust"]), (true, 7));
    assert_eq!(set(&["--reach", "user"]), (true, 4));
    assert_eq!(set(&["--kernel-callers", "check"]), (false, 0));
}

#[test]
fn a_policy_that_is_set_has_no_bits_that_nobody_knows() {
    let mut machine = SimulatedSystem::installed();
    machine.disk.parameters.insert("Policy".into(), 0x8000_0002);
    let (code, set) = document(&mut machine, &["policy", "set", "--engine", "system"]);
    assert_eq!((code, &set["policy"]["physical"]), (SUCCESS, &true.into()));
    assert_eq!(machine.disk.parameters["Policy"], 2);
}

#[test]
fn where_there_is_no_machine_a_sentence_says_so() {
    for command in [
        "install",
        "uninstall",
        "start",
        "stop",
        "status",
        "policy",
        "doctor",
        "vm-test",
    ] {
        let refused = || Err(TransportError::Lost("it was asked for".into()));
        let output = run_on(None, &mut { refused }, &[command]);
        let said = output.err;
        assert_eq!(output.code, FAILURE);
        assert!(said.contains("cargo xtask lab"), "{command}: {said}");
    }
}

#[test]
fn abuse_finds_a_driver_that_takes_anything() {
    let found = abuse::run(&mut driver::SimulatedDriver {
        credulous: true,
        ..driver::SimulatedDriver::default()
    })
    .unwrap();
    for wrong in [
        "information: version 0: succeeded, with 96 bytes",
        "information: version 0: the output was written",
        "copy memory: size 0: succeeded, with 56 bytes",
    ] {
        assert!(found.wrong.iter().any(|found| found == wrong), "{wrong}");
    }
    assert!(found.requests > 100, "{}", found.requests);
}

#[test]
fn abuse_finds_nothing_in_a_driver_that_judges() {
    let found = abuse::run(&mut driver::SimulatedDriver::default()).unwrap();
    assert_eq!(found.wrong, Vec::<String>::new());
}

#[test]
fn the_engine_of_an_unreadable_setting_is_the_one_that_the_driver_takes() {
    let mut machine = SimulatedSystem::installed();
    machine.disk.parameters.insert("Engine".into(), 77);
    let policy = machine::policy(&mut machine).unwrap();
    assert_eq!(policy.engine, ringcopy_client::protocol::EngineKind::System);
}
