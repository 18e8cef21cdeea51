//! The round that reads memory of the whole system: what is written down before each piece, and what
//! becomes of the policy.

use std::{cell::Cell, sync::LazyLock};

use ringcopy_client::vm_test::{Ended, Exercise, Kind, Options, run};
use serde_json::{Value, json};

use crate::{Client, begin, complete_as, folder::Folder, options, report, system::SimulatedSystem};

const RISKY: Kind = Kind {
    no_restart: false,
    risky: true,
};

const TARGETS: [&str; 4] = ["foreign RAM", "kernel image", "paged pool", "session space"];

fn risky(folder: &Folder) -> Options {
    Options {
        kind: RISKY,
        ..options(folder)
    }
}

/// The progress file of a test that has run the two rounds before it.
static REACHED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (folder, mut system, mut client) = begin("foreign-reached");
    client.driver = system.loaded.clone();
    for _ in 0..3 {
        let ended = run(&mut system, &mut client, &risky(&folder));
        assert_eq!(ended, Ok(Ended::Restart));
        system.restart();
    }
    folder.read("ringcopy-vm-test.progress.json")
});

/// Brings a test to the restart before this round.
fn reach_the_round(system: &mut SimulatedSystem, client: &mut Client, folder: &Folder) {
    client.driver = system.loaded.clone();
    folder.write("ringcopy-vm-test.progress.json", &*REACHED);
    let settings = ["/standard", "/driver", "ringcopy.sys"];
    system.verifier.next_start = settings.map(String::from).into();
    system.restart();
}

#[test]
fn every_kind_of_memory_is_compared_and_each_piece_written_down_first() {
    let (folder, mut system, mut client) = begin("foreign");
    client.watched = Some(folder.at().join("ringcopy-vm-test.progress.json"));
    assert!(complete_as(RISKY, &mut system, &mut client, &folder));
    let report = report(&folder);
    assert_eq!(report["risky"], true);
    let steps = &report["rounds"][2]["steps"];
    for target in TARGETS {
        assert!(steps[target]["pieces"].as_u64() > Some(0), "{steps}");
    }
    let physical = client
        .pieces
        .iter()
        .filter(|piece| piece.contains("--physical"));
    assert_eq!(physical.count(), 4 + 2);
    assert!(
        client
            .pieces
            .contains(&"--virtual 0xffff800000000000:65536".into())
    );
    for (piece, trying) in client.pieces.iter().zip(client.trying.iter().skip(2)) {
        let (kind, range) = piece.trim_start_matches("--").split_once(' ').unwrap();
        let (base, length) = range.split_once(':').unwrap();
        assert_eq!(*trying, format!("{kind} {base}, {length} bytes"));
    }
}

#[test]
fn without_being_asked_for_it_is_not_there() {
    let (folder, mut system, mut client) = begin("not-foreign");
    assert!(complete_as(
        Kind::default(),
        &mut system,
        &mut client,
        &folder
    ));
    assert_eq!(report(&folder)["rounds"].as_array().unwrap().len(), 2);
    assert_eq!(client.pieces, [""; 0]);
    assert!(system.reaches.borrow().iter().all(|reach| *reach == 0));
}

#[test]
fn the_driver_alone_reads_the_wider_policy() {
    for (before, loaded) in [(None, 3), (Some(0), 3), (Some(1), 3), (Some(8), 11)] {
        let (folder, mut system, mut client) = begin("policy");
        let parameters = &mut system.disk.parameters;
        parameters.extend(before.map(|before| ("Policy".into(), before)));
        parameters.insert("Engine".into(), 2);
        assert!(complete_as(RISKY, &mut system, &mut client, &folder));
        let reaches = system.reaches.borrow();
        assert_eq!(reaches.last(), Some(&loaded));
        let wider = reaches.iter().filter(|reach| **reach == loaded);
        assert_eq!(wider.count(), 1, "{reaches:?}");
        let after = &system.disk.parameters;
        assert_eq!(after["Policy"], before.unwrap_or_default());
        assert_eq!(after["Engine"], 2);
    }
}

/// A client whose machine stops at one piece.
struct Crashing<'c> {
    client: &'c mut Client,
    at: &'static str,
    crashed: Cell<bool>,
    progress: Vec<u8>,
    folder: &'c Folder,
}

impl Exercise for Crashing<'_> {
    fn command(&mut self, arguments: &[&str]) -> Result<Value, String> {
        if !self.crashed.get()
            && arguments
                .get(2)
                .is_some_and(|range| range.contains(self.at))
        {
            self.crashed.set(true);
            self.progress = self.folder.read("ringcopy-vm-test.progress.json");
        }
        self.client.command(arguments)
    }

    fn abuse(&mut self) -> Result<Value, String> {
        self.client.abuse()
    }

    fn say(&mut self, line: &str) {
        self.client.say(line);
    }
}

#[test]
fn after_a_crash_the_report_names_the_piece_and_the_rest_is_done() {
    let (folder, mut system, mut client) = begin("foreign-crash");
    reach_the_round(&mut system, &mut client, &folder);
    let mut crashing = Crashing {
        client: &mut client,
        at: "0x140000:",
        crashed: Cell::default(),
        progress: Vec::new(),
        folder: &folder,
    };
    let verifier = system.verifier.clone();
    run(&mut system, &mut crashing, &risky(&folder)).unwrap();
    let progress = crashing.progress;
    assert!(!progress.is_empty(), "the piece was read");
    // What the crash leaves: the file as it was then, and a registry of which the last writes are lost.
    folder.write("ringcopy-vm-test.progress.json", progress);
    system.disk.parameters.insert("Policy".into(), 3);
    system.verifier = verifier;
    system.restart();
    client.pieces.clear();
    assert!(!complete_as(RISKY, &mut system, &mut client, &folder));
    assert_eq!(system.disk.parameters["Policy"], 0);
    let round = &report(&folder)["rounds"][2];
    let findings = round["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let found = findings[0].as_str().unwrap();
    assert!(
        found.contains("\"foreign RAM\" at physical 0x140000, 262144 bytes did not end"),
        "{found}"
    );
    assert_eq!(round["steps"]["foreign RAM"]["ended"], false);
    for target in &TARGETS[1..] {
        assert!(round["steps"][target]["pieces"].as_u64() > Some(0));
    }
    assert!(
        client
            .pieces
            .iter()
            .all(|piece| piece.starts_with("--virtual"))
    );
}

#[test]
fn at_every_moment_of_an_interruption_the_policy_is_as_it_was() {
    let mut moments = 0;
    for look in 0.. {
        let (folder, mut system, mut client) = begin("foreign-interrupted");
        system.disk.parameters.insert("Policy".into(), 1);
        reach_the_round(&mut system, &mut client, &folder);
        system.interrupt_at.set(Some(look));
        let ended = run(&mut system, &mut client, &risky(&folder));
        assert_eq!(system.disk.parameters["Policy"], 1, "moment {look}");
        if ended.is_ok() {
            break;
        }
        system.interrupt_at.set(None);
        let passed = complete_as(RISKY, &mut system, &mut client, &folder);
        assert!(passed, "moment {look}: {}", report(&folder));
        assert_eq!(system.disk.parameters["Policy"], 1, "moment {look}");
        moments += 1;
    }
    assert!(moments > 15, "{moments}");
}

#[test]
fn at_every_failure_of_the_system_the_policy_is_as_it_was() {
    for failing in 0..40 {
        let (folder, mut system, mut client) = begin("foreign-failing");
        system.disk.parameters.insert("Policy".into(), 1);
        reach_the_round(&mut system, &mut client, &folder);
        system.fail = Some((failing, 5));
        let ended = run(&mut system, &mut client, &risky(&folder));
        let unchanged = system.disk.parameters["Policy"] == 1;
        let told = matches!(&ended, Err(failure) if failure.0.contains("ringcopy policy set"));
        assert!(unchanged || told, "change {failing}: {ended:?}");
        system.fail = None;
        if ended.is_err() {
            complete_as(RISKY, &mut system, &mut client, &folder);
        }
        assert_eq!(system.disk.parameters["Policy"], 1, "change {failing}");
    }
}

#[test]
fn where_the_native_engine_is_off_nothing_is_read() {
    for (native, reach, reason) in [
        ("STATUS_HV_ACCESS_DENIED", 2, "STATUS_HV_ACCESS_DENIED"),
        ("STATUS_NOT_SUPPORTED", 2, "not in use"),
        ("STATUS_SUCCESS", 1, "SeDebugPrivilege"),
    ] {
        let (folder, mut system, mut client) = begin("foreign-off");
        client.info["information"]["native_engine"] = native.into();
        client.info["information"]["reach"] = json!(vec!["one"; reach]);
        assert!(complete_as(RISKY, &mut system, &mut client, &folder));
        assert_eq!(client.pieces, [""; 0]);
        let steps = &report(&folder)["rounds"][2]["steps"];
        for target in TARGETS {
            let skipped = steps[target]["skipped"].as_str().unwrap();
            assert!(skipped.contains(reason), "{target}: {skipped}");
        }
    }
}

#[test]
fn memory_that_windows_does_not_name_is_skipped_and_a_disagreement_found() {
    let (folder, mut system, mut client) = begin("foreign-unnamed");
    system.kernel_memory.clear();
    assert!(complete_as(RISKY, &mut system, &mut client, &folder));
    let steps = &report(&folder)["rounds"][2]["steps"];
    assert!(steps["paged pool"]["skipped"].is_string());
    assert!(steps["foreign RAM"]["pieces"].is_u64());

    let (folder, mut system, mut client) = begin("foreign-disagree");
    reach_the_round(&mut system, &mut client, &folder);
    client.verify =
        json!({ "succeeded": false, "error": null, "disagreed_at": [{ "address": "0x1" }] });
    assert!(!complete_as(RISKY, &mut system, &mut client, &folder));
    let findings = report(&folder)["rounds"][2]["findings"].to_string();
    assert!(
        findings.contains("foreign RAM: the engines disagree"),
        "{findings}"
    );
}

#[test]
fn giving_up_writes_the_policy_back() {
    let (folder, mut system, mut client) = begin("foreign-given-up");
    system.disk.parameters.insert("Policy".into(), 1);
    reach_the_round(&mut system, &mut client, &folder);
    system.interrupt_at.set(Some(12));
    run(&mut system, &mut client, &risky(&folder)).unwrap_err();
    system.interrupt_at.set(None);
    system.disk.parameters.insert("Policy".into(), 3);
    let give_up = Options {
        give_up: true,
        ..options(&folder)
    };
    run(&mut system, &mut client, &give_up).unwrap();
    assert_eq!(system.disk.parameters["Policy"], 1);
}
