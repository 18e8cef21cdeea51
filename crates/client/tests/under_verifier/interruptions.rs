//! Restarts, crashes, Ctrl-C, and files that cannot be written: nothing is lost, repeated, or left set
//! up.

use std::{fs, time::Duration};

use ringcopy_client::vm_test::{Ended, Kind, Options, run};
use serde_json::{Value, json};

use crate::{
    Client, begin, complete, folder::Folder, options, report, run_and_restart,
    system::SimulatedSystem,
};

#[test]
fn without_a_restart_the_test_waits_for_one() {
    let (folder, mut system, mut client) = begin("patient");
    for _ in 0..3 {
        let outcome = run(&mut system, &mut client, &options(&folder));
        assert_eq!(outcome, Ok(Ended::Restart));
    }
    assert_eq!(client.commands, 0);
    let set = system.ran.iter().filter(|line| line.contains("/driver"));
    assert_eq!(set.count(), 1, "Verifier is set up once");
}

#[test]
fn low_resources_are_waited_for() {
    let (folder, mut system, mut client) = begin("waits");
    run_and_restart(&mut system, &mut client, &folder);
    run_and_restart(&mut system, &mut client, &folder);
    system.uptime.set(Duration::from_mins(1));
    system.interrupt_at.set(Some(0));
    let failure = run(&mut system, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("--give-up"), "{failure}");
    let told = "allocations begin to fail 8 minutes after the start: 420 s to go";
    assert!(client.said.iter().any(|line| line == told));
    // The pause was as long as Verifier's own delay asks for.
    assert_eq!(Some(system.uptime.get()), system.verifier.quiet());
    system.uptime.set(Duration::from_secs(479));
    system.interrupt_at.set(None);
    assert!(complete(&mut system, &mut client, &folder));
    assert_eq!(system.uptime.get(), Duration::from_mins(8));
    let summary = folder.read("ringcopy-vm-test.txt");
    let settings = "verifier /flags 0x209BB /faults 600 \"\" \"\" 8 /driver ringcopy.sys";
    assert!(String::from_utf8(summary).unwrap().contains(settings));
}

#[test]
fn each_step_is_written_down_before_it_is_taken() {
    let folder = Folder::new("watched");
    let mut system = SimulatedSystem::installed();
    let mut client = Client {
        watched: Some(folder.at().join("ringcopy-vm-test.progress.json")),
        ..Client::default()
    };
    assert!(complete(&mut system, &mut client, &folder));
    assert_eq!(client.running, ["abuse", "abuse"]);
}

#[test]
fn a_crash_is_found_and_not_repeated() {
    let (folder, mut system, mut client) = begin("crash");
    // While the driver is sent nonsense.
    crash(&mut system, &mut client, &folder, "abuse");
    assert!(!complete(&mut system, &mut client, &folder));
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

/// Ends a test's process as a crash in a step of the first round does, and restarts the system.
fn crash(system: &mut SimulatedSystem, client: &mut Client, folder: &Folder, step: &str) {
    run(system, client, &options(folder)).unwrap();
    system.restart();
    let text = String::from_utf8(folder.read("ringcopy-vm-test.progress.json")).unwrap();
    let mut progress: Value = serde_json::from_str(&text).unwrap();
    progress["stage"] = json!("exercise");
    progress["running"] = json!(step);
    folder.write("ringcopy-vm-test.progress.json", progress.to_string());
}

#[test]
fn a_driver_whose_load_crashes_the_machine_is_not_loaded_again() {
    let (folder, mut system, mut client) = begin("crash-load");
    crash(&mut system, &mut client, &folder, "load");
    client.driver = system.loaded.clone();
    let outcome = run(&mut system, &mut client, &options(&folder));
    assert_eq!(outcome, Ok(Ended::Restart), "the second round is set up");
    assert_eq!(system.loaded_at, []);
    system.restart();
    assert!(!complete(&mut system, &mut client, &folder));
    let rounds = &report(&folder)["rounds"];
    assert_eq!(rounds[0]["findings"].as_array().unwrap().len(), 1);
    for step in ["selftest", "verify", "abuse", "load and unload"] {
        let outcome = &rounds[0]["steps"][step];
        let skipped = outcome["skipped"].as_str().unwrap();
        assert!(
            skipped.contains("while it was being loaded"),
            "{step}: {skipped}"
        );
    }
    assert_eq!(rounds[1]["findings"], json!([]));
}

/// Has the system restart at every moment of a round, before which it was restarted so often; the
/// test ends as if it had not. Shows `then` the system at the end.
fn restart_at_every_moment(folder: &str, restarts: u32, then: impl Fn(&SimulatedSystem)) {
    let mut moments = 0;
    for look in 0.. {
        let (folder, mut system, mut client) = begin(folder);
        client.driver = system.loaded.clone();
        for _ in 0..restarts {
            let outcome = run(&mut system, &mut client, &options(&folder));
            assert_eq!(outcome, Ok(Ended::Restart));
            system.restart();
        }
        system.interrupt_at.set(Some(look));
        if run(&mut system, &mut client, &options(&folder)).is_ok() {
            break;
        }
        system.restart();
        let passed = complete(&mut system, &mut client, &folder);
        assert!(passed, "moment {look}: {}", report(&folder));
        then(&system);
        moments += 1;
    }
    assert!(moments > 2 * 6, "{moments}");
}

#[test]
fn after_a_restart_within_a_round_the_driver_is_loaded_again() {
    restart_at_every_moment("restarted", 1, |_| ());
}

#[test]
fn after_a_restart_within_the_second_round_low_resources_are_waited_for_again() {
    restart_at_every_moment("restarted-low", 2, |system| {
        let quiet = Duration::from_mins(8);
        assert!(!system.loaded_at.is_empty());
        assert!(system.loaded_at.iter().all(|at| *at >= quiet));
    });
}

#[test]
fn ctrl_c_at_any_moment_loses_nothing() {
    let mut moments = 0;
    for look in 0.. {
        let (folder, mut system, mut client) = begin("interrupted");
        run_and_restart(&mut system, &mut client, &folder);
        system.interrupt_at.set(Some(look));
        match run(&mut system, &mut client, &options(&folder)) {
            Ok(_) => break,
            Err(failure) => assert!(failure.0.contains("--give-up"), "{failure}"),
        }
        assert!(!system.verifier.next_start.is_empty());
        system.interrupt_at.set(None);
        assert!(complete(&mut system, &mut client, &folder), "moment {look}");
        assert_eq!(report(&folder)["rounds"].as_array().unwrap().len(), 2);
        moments += 1;
    }
    // Before and after each of the six steps, and before each of five loads.
    assert_eq!(moments, 2 * 6 + 5);
}

#[test]
fn giving_up_turns_verifier_off_and_reports() {
    let (folder, mut system, mut client) = begin("given-up");
    run(&mut system, &mut client, &options(&folder)).unwrap();
    let give_up = Options {
        give_up: true,
        ..options(&folder)
    };
    let outcome = run(&mut system, &mut client, &give_up).unwrap();
    assert!(matches!(outcome, Ended::Done { passed: false, .. }));
    assert_eq!(system.verifier.next_start, [""; 0]);
    assert_eq!(report(&folder)["complete"], false);
    let again = run(&mut system, &mut client, &give_up).unwrap_err();
    assert!(again.0.contains("no test has begun"), "{again}");
}

#[test]
fn giving_up_turns_verifier_off_whatever_became_of_the_progress() {
    let (folder, mut system, mut client) = begin("given-up-damaged");
    run(&mut system, &mut client, &options(&folder)).unwrap();
    assert!(!system.verifier.next_start.is_empty());
    folder.write("ringcopy-vm-test.progress.json", "\0\0\0\0");
    let give_up = Options {
        give_up: true,
        ..options(&folder)
    };
    let failure = run(&mut system, &mut client, &give_up).unwrap_err();
    assert_eq!(system.verifier.next_start, [""; 0]);
    assert!(failure.0.contains("is not a file that this program wrote"));
    assert!(failure.0.contains("off after the next restart"));
}

#[test]
fn a_folder_that_takes_no_report_is_told_of_before_anything_is_changed() {
    let (mut system, mut client) = (SimulatedSystem::installed(), Client::default());
    let options = Options {
        folder: "/nowhere/at/all".into(),
        loads: 5,
        give_up: false,
        kind: Kind::default(),
    };
    let failure = run(&mut system, &mut client, &options).unwrap_err();
    assert!(failure.0.contains("--folder"), "{failure}");
    let looked = |line: &String| line.contains(" /query");
    assert!(system.ran.iter().all(looked), "{:?}", system.ran);
}

#[test]
fn progress_that_is_lost_half_way_tells_how_to_turn_verifier_off() {
    let (folder, mut system, mut client) = begin("lost");
    run_and_restart(&mut system, &mut client, &folder);
    // A folder in the file's place: it can be neither read nor written.
    let path = folder.at().join("ringcopy-vm-test.progress.json");
    fs::write(&path, "{}").unwrap();
    let failure = run(&mut system, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("`verifier /reset`"), "{failure}");
}

#[test]
fn progress_that_cannot_be_written_half_way_tells_how_to_turn_verifier_off() {
    let (folder, mut system, mut client) = begin("full");
    run_and_restart(&mut system, &mut client, &folder);
    // A folder where the file would be written first.
    fs::create_dir(folder.at().join("ringcopy-vm-test.progress.part")).unwrap();
    let failure = run(&mut system, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("--folder"), "{failure}");
    assert!(failure.0.contains("`verifier /reset`"), "{failure}");
}

/// What is written has to reach the disk before the step that may crash the system: a device that
/// takes everything and keeps nothing cannot be flushed.
#[cfg(unix)]
#[test]
fn progress_that_does_not_reach_the_disk_is_not_relied_on() {
    let (folder, mut system, mut client) = begin("unflushed");
    run_and_restart(&mut system, &mut client, &folder);
    let before = folder.read("ringcopy-vm-test.progress.json");
    let beside = folder.at().join("ringcopy-vm-test.progress.part");
    std::os::unix::fs::symlink("/dev/null", beside).unwrap();
    let failure = run(&mut system, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("cannot write"), "{failure}");
    assert_eq!(folder.read("ringcopy-vm-test.progress.json"), before);
    assert_eq!(client.commands, 0);
}

#[test]
fn verifier_that_cannot_be_run_changes_nothing() {
    let (folder, mut system, mut client) = begin("no-verifier");
    // Its state is queried, and the driver started and stopped, first.
    system.fail = Some((4, 5));
    let failure = run(&mut system, &mut client, &options(&folder)).unwrap_err();
    assert!(failure.0.contains("as an administrator"), "{failure}");
    // The next attempt sets it up.
    let outcome = run(&mut system, &mut client, &options(&folder));
    assert_eq!(outcome, Ok(Ended::Restart));
}
