//! The test under Driver Verifier, on a machine on paper: across restarts, crashes and Ctrl-C.

#![forbid(unsafe_code)]

mod folder;
mod model_machine;

use std::{cell::Cell, fs, path::PathBuf, rc::Rc, time::Duration};

use folder::Folder;
use model_machine::Model;
use ringcopy_client::vm_test::{Exercise, Options, Outcome, run};
use serde_json::{Value, json};

/// The test's settings, with its report in a folder.
fn options(folder: &Folder) -> Options {
    Options {
        folder: folder.at().into(),
        loads: 5,
        give_up: false,
    }
}

fn report(folder: &Folder) -> Value {
    serde_json::from_slice(&folder.read("ringcopy-vm-test.json")).unwrap()
}

/// A client that answers as it is told.
struct Client {
    selftest: Value,
    verify: Value,
    abuse: Result<Value, String>,
    said: Vec<String>,
    commands: u32,
    /// Whether there is a driver that could answer.
    driver: Rc<Cell<bool>>,
    /// Where to look for what is written down as under way, and what was there.
    watched: Option<PathBuf>,
    running: Vec<Value>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            selftest: json!({ "succeeded": true, "operations": [], "error": null }),
            verify: json!({ "succeeded": true, "disagreements": 0, "error": null }),
            abuse: Ok(json!({ "requests": 10, "wrong": [] })),
            said: Vec::new(),
            commands: 0,
            driver: Rc::new(Cell::new(true)),
            watched: None,
            running: Vec::new(),
        }
    }
}

impl Exercise for Client {
    fn command(&mut self, name: &str) -> Result<Value, String> {
        self.commands += 1;
        self.reach()?;
        match name {
            "selftest" => Ok(self.selftest.clone()),
            "verify" => Ok(self.verify.clone()),
            name => panic!("{name} is no part of the test"),
        }
    }

    fn abuse(&mut self) -> Result<Value, String> {
        if let Some(path) = &self.watched {
            let text = fs::read_to_string(path).unwrap();
            let progress: Value = serde_json::from_str(&text).unwrap();
            self.running.push(progress["running"].clone());
        }
        self.reach()?;
        self.abuse.clone()
    }

    fn say(&mut self, line: &str) {
        self.said.push(line.into());
    }
}

impl Client {
    fn reach(&self) -> Result<(), String> {
        if self.driver.get() {
            Ok(())
        } else {
            Err("there is no driver".into())
        }
    }
}

/// Runs and restarts until it is done.
fn complete(machine: &mut Model, client: &mut Client, folder: &Folder) -> bool {
    client.driver = machine.loaded.clone();
    for _ in 0..3 {
        match run(machine, client, &options(folder)).unwrap() {
            Outcome::Restart => machine.restart(),
            Outcome::Done { passed, .. } => return passed,
        }
    }
    panic!("more restarts than rounds");
}

#[test]
fn two_restarts_lead_to_a_report_and_nothing_is_left() {
    let folder = Folder::new("complete");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    assert!(complete(&mut machine, &mut client, &folder));
    assert_eq!(
        folder.names(),
        ["ringcopy-vm-test.json", "ringcopy-vm-test.txt"]
    );
    assert_eq!(machine.disk, Model::installed().disk);
    let settings: Vec<_> = machine
        .ran
        .iter()
        .filter(|line| line.contains("/driver"))
        .collect();
    assert_eq!(
        settings,
        [
            "verifier.exe /standard /driver ringcopy.sys",
            "verifier.exe /flags 0x209BB /faults 600   8 /driver ringcopy.sys"
        ]
    );
    let report = report(&folder);
    assert_eq!(report["passed"], true);
    for round in 0..2 {
        let steps = &report["rounds"][round]["steps"];
        for step in [
            "load",
            "selftest",
            "verify",
            "abuse",
            "load and unload",
            "statistics",
        ] {
            assert!(!steps[step].is_null(), "{step}");
        }
        assert_eq!(steps["load and unload"]["times"], 5);
    }
    // Once before all, then for each round the load and five more.
    assert_eq!(machine.starts, 1 + 2 * 6);
}

#[test]
fn an_engine_that_is_not_in_use_is_skipped_and_one_that_failed_is_found() {
    for (skipped, passed) in [(json!("not in use"), true), (Value::Null, false)] {
        let folder = Folder::new(if passed { "unused" } else { "failed" });
        let mut machine = Model::installed();
        let mut client = Client {
            verify: json!({ "succeeded": false, "skipped": skipped, "error": "not in use" }),
            ..Client::default()
        };
        assert_eq!(complete(&mut machine, &mut client, &folder), passed);
        let steps = &report(&folder)["rounds"][0]["steps"];
        assert_eq!(steps["verify"]["skipped"], skipped);
    }
}

#[test]
fn without_a_restart_the_test_waits_for_one() {
    let folder = Folder::new("patient");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    for _ in 0..3 {
        let outcome = run(&mut machine, &mut client, &options(&folder));
        assert_eq!(outcome, Ok(Outcome::Restart));
    }
    assert_eq!(client.commands, 0);
    let set = machine.ran.iter().filter(|line| line.contains("/driver"));
    assert_eq!(set.count(), 1, "Verifier is set up once");
}

#[test]
fn settings_that_a_restart_did_not_keep_are_found() {
    let folder = Folder::new("other-settings");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    run(&mut machine, &mut client, &options(&folder)).unwrap();
    machine.restart();
    machine.disk.verifier = ["/standard", "/driver", "other.sys"]
        .map(String::from)
        .into();
    assert!(!complete(&mut machine, &mut client, &folder));
    let rounds = &report(&folder)["rounds"];
    let findings = rounds[0]["findings"].to_string();
    assert!(
        findings.contains("was not set up for the driver: "),
        "{findings}"
    );
    assert!(findings.contains("other.sys"), "{findings}");
    assert_eq!(rounds[1]["findings"], json!([]));
}

#[test]
fn what_is_found_is_in_the_report() {
    let folder = Folder::new("findings");
    let mut machine = Model::installed();
    machine.statistics = "MODULE: ringcopy.sys (load: 1 / unload: 1)\n  \
                          Current Pool Allocations:  (      4 /      0 )\n"
        .into();
    let mut client = Client {
        selftest: json!({ "succeeded": false, "error": null, "operations": [
            { "case": "kernel pointer", "passed": false, "reason": "it was copied" },
            { "case": "4 KiB", "passed": true, "reason": null },
        ] }),
        abuse: Ok(json!({ "requests": 1, "wrong": ["information: no input: succeeded"] })),
        ..Client::default()
    };
    assert!(!complete(&mut machine, &mut client, &folder));
    let findings = report(&folder)["rounds"][0]["findings"].to_string();
    for part in [
        "kernel pointer: it was copied",
        "information: no input: succeeded",
        "Current Pool Allocations is (      4 /      0 )",
    ] {
        assert!(findings.contains(part), "{part}: {findings}");
    }
    let summary = fs::read_to_string(folder.at().join("ringcopy-vm-test.txt")).unwrap();
    assert!(summary.contains("FAILED"), "{summary}");
    assert!(summary.contains("kernel pointer"), "{summary}");
}

#[test]
fn memory_that_runs_short_on_purpose_is_no_finding() {
    let folder = Folder::new("short");
    let mut machine = Model::installed();
    let mut client = Client {
        selftest: json!({ "succeeded": false, "error": null, "operations": [
            { "case": "4 KiB", "passed": false, "status": "STATUS_INSUFFICIENT_RESOURCES" },
        ] }),
        abuse: Err("open failed with STATUS_INSUFFICIENT_RESOURCES".into()),
        ..Client::default()
    };
    assert!(!complete(&mut machine, &mut client, &folder));
    let report = report(&folder);
    let first = report["rounds"][0]["findings"].to_string();
    assert!(first.contains("4 KiB"), "in the first round it is: {first}");
    assert!(first.contains("abuse: open failed"), "{first}");
    assert_eq!(report["rounds"][1]["findings"], json!([]));
}

#[test]
fn a_driver_that_is_short_of_memory_is_loaded_again_and_again() {
    let folder = Folder::new("short-loads");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    machine.short_starts = (20, 1450);
    let passed = complete(&mut machine, &mut client, &folder);
    let report = report(&folder);
    assert!(passed, "{report}");
    assert_eq!(report["rounds"][1]["steps"]["load"]["attempts"], 21);
}

#[test]
fn a_driver_that_never_starts_is_one_finding() {
    // For want of memory, and for another reason.
    for (code, folder, reason, tries) in [
        (1450, "always-short", "short of memory", 100),
        (183, "always-there", "(error 183)", 1),
    ] {
        let folder = Folder::new(folder);
        let (mut machine, mut client) = (Model::installed(), Client::default());
        machine.short_starts = (1000, code);
        assert!(!complete(&mut machine, &mut client, &folder));
        assert_eq!(machine.short_starts.0, 1000 - tries);
        let rounds = &report(&folder)["rounds"];
        assert_eq!(rounds[0]["findings"], json!([]));
        let findings = rounds[1]["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{findings:?}");
        let found = findings[0].as_str().unwrap();
        assert!(found.contains(reason), "{found}");
        for step in ["selftest", "verify", "abuse", "load and unload"] {
            let outcome = &rounds[1]["steps"][step];
            let skipped = outcome["skipped"].as_str().unwrap();
            assert!(skipped.contains(reason), "{step}: {skipped}");
        }
    }
}

#[test]
fn loads_may_fail_for_want_of_memory_alone_and_not_each_of_them() {
    // Of five loads so many fail, with this code.
    for (folder, failing, code, expected) in [
        ("four-short", 4, 1450, None),
        ("five-short", 5, 1450, Some("did not start in 5 attempts")),
        ("one-other", 1, 183, Some("(error 183)")),
    ] {
        let folder = Folder::new(folder);
        let (mut machine, mut client) = (Model::installed(), Client::default());
        machine.good_starts = 1;
        machine.short_starts = (failing, code);
        let passed = complete(&mut machine, &mut client, &folder);
        assert_eq!(passed, expected.is_none());
        let rounds = &report(&folder)["rounds"];
        assert_eq!(rounds[0]["findings"], json!([]));
        let round = &rounds[1];
        let findings = round["findings"].as_array().unwrap();
        assert_eq!(findings.len(), usize::from(!passed), "{findings:?}");
        match expected {
            Some(expected) => assert!(findings[0].as_str().unwrap().contains(expected)),
            None => assert_eq!(round["steps"]["load and unload"]["short_of_memory"], 4),
        }
    }
}

#[test]
fn the_summary_ends_with_what_verifier_counted() {
    let folder = Folder::new("counted");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    machine.statistics += "MODULE: other.sys (load: 1 / unload: 0)\n  \
                           Current Pool Bytes:        (     77 /      0 )\n";
    assert!(complete(&mut machine, &mut client, &folder));
    let summary = String::from_utf8(folder.read("ringcopy-vm-test.txt")).unwrap();
    let counters = |round: &str| {
        format!(
            "what Verifier counted in round \"{round}\":\n  \
             MODULE: ringcopy.sys (load: 1 / unload: 1)\n    \
             Current Pool Allocations:  (      0 /      0 )\n"
        )
    };
    let end = format!(
        "{}{}Driver Verifier is off from the next restart on.\n",
        counters("standard"),
        counters("low resources")
    );
    assert!(summary.ends_with(&end), "{summary}");
}

/// What `verify` says of engines that disagree, once for each of these answers of the native one.
fn disagreeing(native: &[&str]) -> Value {
    let disagreed: Vec<_> = native
        .iter()
        .map(|status| {
            json!({
                "kind": "physical",
                "address": "0x1000",
                "native": { "status": status, "copied": 0 },
                "system": { "status": "STATUS_SUCCESS", "copied": 16 },
            })
        })
        .collect();
    json!({
        "succeeded": false,
        "error": null,
        "operations": [{ "operation": "copy batch", "status": "STATUS_SUCCESS" }],
        "disagreements": native.len(),
        "disagreed_at": disagreed,
        "denied": 0,
    })
}

#[test]
fn engines_that_disagree_are_found_in_every_round() {
    let folder = Folder::new("disagree");
    let (short, other) = ("STATUS_INSUFFICIENT_RESOURCES", "STATUS_INVALID_ADDRESS");
    let mut machine = Model::installed();
    let mut client = Client {
        verify: disagreeing(&[short, other, short]),
        ..Client::default()
    };
    assert!(!complete(&mut machine, &mut client, &folder));
    let report = report(&folder);
    for (round, count) in [(0, 3), (1, 1)] {
        let findings = report["rounds"][round]["findings"].as_array().unwrap();
        assert_eq!(findings.len(), count, "{findings:?}");
        assert!(
            findings
                .iter()
                .any(|found| found.as_str().unwrap().contains(other))
        );
        for found in findings {
            let found = found.as_str().unwrap();
            assert!(
                found.starts_with("verify: the engines disagree: "),
                "{found}"
            );
        }
    }
}

#[test]
fn a_command_that_says_no_more_than_that_it_failed_is_found_in_every_round() {
    let folder = Folder::new("unsaid");
    let mut machine = Model::installed();
    let mut verify = disagreeing(&[]);
    let mut client = Client {
        verify: verify.clone(),
        ..Client::default()
    };
    assert!(!complete(&mut machine, &mut client, &folder));
    for round in report(&folder)["rounds"].as_array().unwrap() {
        assert_eq!(round["findings"], json!(["verify: it did not succeed"]));
    }
    verify["denied"] = json!(2);
    client.verify = verify;
    assert!(!complete(&mut machine, &mut client, &folder));
    for round in report(&folder)["rounds"].as_array().unwrap() {
        assert_eq!(
            round["findings"],
            json!(["verify: 2 pieces were out of reach"])
        );
    }
}

#[test]
fn what_was_found_before_memory_ran_short_is_kept() {
    let folder = Folder::new("found-before");
    let mut machine = Model::installed();
    let mut client = Client {
        selftest: json!({
            "succeeded": false,
            "error": "STATUS_INSUFFICIENT_RESOURCES: the system was short of memory",
            "operations": [
                { "case": "kernel pointer", "passed": false, "reason": "it was copied" },
            ],
        }),
        ..Client::default()
    };
    assert!(!complete(&mut machine, &mut client, &folder));
    let findings = &report(&folder)["rounds"][1]["findings"];
    assert_eq!(
        *findings,
        json!(["selftest: kernel pointer: it was copied"])
    );
}

#[test]
fn low_resources_are_waited_for() {
    let folder = Folder::new("waits");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    run(&mut machine, &mut client, &options(&folder)).unwrap();
    machine.restart();
    run(&mut machine, &mut client, &options(&folder)).unwrap();
    machine.restart();
    machine.uptime.set(Duration::from_mins(1));
    machine.interrupt_at.set(Some(0));
    let failure = run(&mut machine, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("--give-up"), "{failure}");
    let told = "allocations begin to fail 8 minutes after the start: 420 s to go";
    assert!(client.said.iter().any(|line| line == told));
    // The pause was as long as Verifier's own delay asks for.
    assert_eq!(Some(machine.uptime.get()), machine.quiet_start());
    machine.uptime.set(Duration::from_secs(479));
    machine.interrupt_at.set(None);
    assert!(complete(&mut machine, &mut client, &folder));
    assert_eq!(machine.uptime.get(), Duration::from_mins(8));
    let summary = folder.read("ringcopy-vm-test.txt");
    let settings = "verifier /flags 0x209BB /faults 600 \"\" \"\" 8 /driver ringcopy.sys";
    assert!(String::from_utf8(summary).unwrap().contains(settings));
}

#[test]
fn each_step_is_written_down_before_it_is_taken() {
    let folder = Folder::new("watched");
    let mut machine = Model::installed();
    let mut client = Client {
        watched: Some(folder.at().join("ringcopy-vm-test.progress.json")),
        ..Client::default()
    };
    assert!(complete(&mut machine, &mut client, &folder));
    assert_eq!(client.running, ["abuse", "abuse"]);
}

#[test]
fn a_crash_is_found_and_not_repeated() {
    let folder = Folder::new("crash");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    // While the driver is sent nonsense.
    crash(&mut machine, &mut client, &folder, "abuse");
    assert!(!complete(&mut machine, &mut client, &folder));
    let round = &report(&folder)["rounds"][0];
    assert_eq!(round["steps"]["abuse"], json!({ "ended": false }));
    let summary = String::from_utf8(folder.read("ringcopy-vm-test.txt")).unwrap();
    assert!(
        summary.contains("abuse            did not end"),
        "{summary}"
    );
    let findings = round["findings"].as_array().unwrap();
    assert!(findings[0].to_string().contains("Minidump"));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(round["steps"]["load and unload"]["times"], 5, "it goes on");
}

/// Ends a test's process as a crash in a step of the first round does, and restarts the machine.
fn crash(machine: &mut Model, client: &mut Client, folder: &Folder, step: &str) {
    run(machine, client, &options(folder)).unwrap();
    machine.restart();
    let text = String::from_utf8(folder.read("ringcopy-vm-test.progress.json")).unwrap();
    let mut progress: Value = serde_json::from_str(&text).unwrap();
    progress["stage"] = json!("exercise");
    progress["running"] = json!(step);
    folder.write("ringcopy-vm-test.progress.json", progress.to_string());
}

#[test]
fn a_driver_whose_load_crashes_the_machine_is_not_loaded_again() {
    let folder = Folder::new("crash-load");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    crash(&mut machine, &mut client, &folder, "load");
    client.driver = machine.loaded.clone();
    let outcome = run(&mut machine, &mut client, &options(&folder));
    assert_eq!(outcome, Ok(Outcome::Restart), "the second round is set up");
    assert_eq!(machine.loaded_at, []);
    machine.restart();
    assert!(!complete(&mut machine, &mut client, &folder));
    let rounds = &report(&folder)["rounds"];
    assert_eq!(rounds[0]["findings"].as_array().unwrap().len(), 1);
    for step in ["selftest", "verify", "abuse", "load and unload"] {
        let outcome = &rounds[0]["steps"][step];
        let skipped = outcome["skipped"].as_str().unwrap();
        assert!(skipped.contains("while it was loaded"), "{step}: {skipped}");
    }
    assert_eq!(rounds[1]["findings"], json!([]));
}

#[test]
fn after_a_restart_within_a_round_the_driver_is_loaded_again() {
    let mut moments = 0;
    for look in 0.. {
        let folder = Folder::new("restarted");
        let (mut machine, mut client) = (Model::installed(), Client::default());
        run(&mut machine, &mut client, &options(&folder)).unwrap();
        machine.restart();
        client.driver = machine.loaded.clone();
        machine.interrupt_at.set(Some(look));
        if run(&mut machine, &mut client, &options(&folder)).is_ok() {
            break;
        }
        machine.restart();
        let passed = complete(&mut machine, &mut client, &folder);
        assert!(passed, "moment {look}: {}", report(&folder));
        moments += 1;
    }
    assert!(moments > 2 * 6, "{moments}");
}

#[test]
fn after_a_restart_within_the_second_round_low_resources_are_waited_for_again() {
    let mut moments = 0;
    for look in 0.. {
        let folder = Folder::new("restarted-low");
        let (mut machine, mut client) = (Model::installed(), Client::default());
        client.driver = machine.loaded.clone();
        for _ in 0..2 {
            let outcome = run(&mut machine, &mut client, &options(&folder));
            assert_eq!(outcome, Ok(Outcome::Restart));
            machine.restart();
        }
        machine.interrupt_at.set(Some(look));
        if run(&mut machine, &mut client, &options(&folder)).is_ok() {
            break;
        }
        machine.restart();
        let passed = complete(&mut machine, &mut client, &folder);
        assert!(passed, "moment {look}: {}", report(&folder));
        let quiet = Duration::from_mins(8);
        assert!(!machine.loaded_at.is_empty(), "moment {look}");
        assert!(machine.loaded_at.iter().all(|at| *at >= quiet));
        moments += 1;
    }
    assert!(moments > 2 * 6, "{moments}");
}

#[test]
fn ctrl_c_at_any_moment_loses_nothing() {
    let mut moments = 0;
    for look in 0.. {
        let folder = Folder::new("interrupted");
        let (mut machine, mut client) = (Model::installed(), Client::default());
        run(&mut machine, &mut client, &options(&folder)).unwrap();
        machine.restart();
        machine.interrupt_at.set(Some(look));
        match run(&mut machine, &mut client, &options(&folder)) {
            Ok(_) => break,
            Err(failure) => assert!(failure.0.contains("--give-up"), "{failure}"),
        }
        assert!(!machine.disk.verifier.is_empty());
        machine.interrupt_at.set(None);
        assert!(
            complete(&mut machine, &mut client, &folder),
            "moment {look}"
        );
        assert_eq!(report(&folder)["rounds"].as_array().unwrap().len(), 2);
        moments += 1;
    }
    // Before and after each of the six steps, and before each of five loads.
    assert_eq!(moments, 2 * 6 + 5);
}

#[test]
fn giving_up_turns_verifier_off_and_reports() {
    let folder = Folder::new("given-up");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    run(&mut machine, &mut client, &options(&folder)).unwrap();
    let give_up = Options {
        give_up: true,
        ..options(&folder)
    };
    let outcome = run(&mut machine, &mut client, &give_up).unwrap();
    assert!(matches!(outcome, Outcome::Done { passed: false, .. }));
    assert_eq!(machine.disk.verifier, [""; 0]);
    assert_eq!(report(&folder)["complete"], false);
    let again = run(&mut machine, &mut client, &give_up).unwrap_err();
    assert!(again.0.contains("no test is under way"), "{again}");
}

#[test]
fn giving_up_turns_verifier_off_whatever_became_of_the_progress() {
    let folder = Folder::new("given-up-damaged");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    run(&mut machine, &mut client, &options(&folder)).unwrap();
    assert!(!machine.disk.verifier.is_empty());
    folder.write("ringcopy-vm-test.progress.json", "\0\0\0\0");
    let give_up = Options {
        give_up: true,
        ..options(&folder)
    };
    let failure = run(&mut machine, &mut client, &give_up).unwrap_err();
    assert_eq!(machine.disk.verifier, [""; 0]);
    assert!(failure.0.contains("is not what this program has written"));
    assert!(failure.0.contains("off from the next restart on"));
}

#[test]
fn a_folder_that_takes_no_report_is_told_of_before_anything_is_changed() {
    let (mut machine, mut client) = (Model::installed(), Client::default());
    let options = Options {
        folder: "/nowhere/at/all".into(),
        loads: 5,
        give_up: false,
    };
    let failure = run(&mut machine, &mut client, &options).unwrap_err();
    assert!(failure.0.contains("--folder"), "{failure}");
    assert!(machine.ran.is_empty(), "{:?}", machine.ran);
}

#[test]
fn progress_that_is_lost_half_way_tells_how_to_turn_verifier_off() {
    let folder = Folder::new("lost");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    run(&mut machine, &mut client, &options(&folder)).unwrap();
    machine.restart();
    // A folder in the file's place: it can be neither read nor written.
    let path = folder.at().join("ringcopy-vm-test.progress.json");
    fs::write(&path, "{}").unwrap();
    let failure = run(&mut machine, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("`verifier /reset`"), "{failure}");
}

#[test]
fn progress_that_cannot_be_written_half_way_tells_how_to_turn_verifier_off() {
    let folder = Folder::new("full");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    run(&mut machine, &mut client, &options(&folder)).unwrap();
    machine.restart();
    // A folder where the file would be written first.
    fs::create_dir(folder.at().join("ringcopy-vm-test.progress.part")).unwrap();
    let failure = run(&mut machine, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("--folder"), "{failure}");
    assert!(failure.0.contains("`verifier /reset`"), "{failure}");
}

/// What is written has to reach the disk before the step that may crash the machine: a device that
/// takes everything and keeps nothing cannot be flushed.
#[cfg(unix)]
#[test]
fn progress_that_does_not_reach_the_disk_is_not_relied_on() {
    let folder = Folder::new("unflushed");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    run(&mut machine, &mut client, &options(&folder)).unwrap();
    machine.restart();
    let before = folder.read("ringcopy-vm-test.progress.json");
    let beside = folder.at().join("ringcopy-vm-test.progress.part");
    std::os::unix::fs::symlink("/dev/null", beside).unwrap();
    let failure = run(&mut machine, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("cannot write"), "{failure}");
    assert_eq!(folder.read("ringcopy-vm-test.progress.json"), before);
    assert_eq!(client.commands, 0);
}

#[test]
fn verifier_that_cannot_be_run_changes_nothing() {
    let folder = Folder::new("no-verifier");
    let (mut machine, mut client) = (Model::installed(), Client::default());
    // The driver is started and stopped first.
    machine.fail = Some((2, 5));
    let failure = run(&mut machine, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("as an administrator"), "{failure}");
    // The next attempt sets it up.
    let outcome = run(&mut machine, &mut client, &options(&folder));
    assert_eq!(outcome, Ok(Outcome::Restart));
}
