//! A test without a restart: both dialects of Verifier, what it refuses, and what is left at the end.

use ringcopy_client::vm_test::{Ended, Exercise, Kind, Options, run};
use serde_json::{Value, json};

use crate::{Client, begin, folder::Folder, options, report, system::SimulatedSystem};

const AT_ONCE: Kind = Kind {
    no_restart: true,
    risky: false,
};

/// Windows 10, Server 2022, Windows 11, Server 2025.
const BUILDS: [u32; 4] = [19045, 20348, 22000, 26100];

fn at_once(folder: &Folder) -> Options {
    Options {
        kind: AT_ONCE,
        loads: 1,
        ..options(folder)
    }
}

fn begin_on(build: u32, folder: &str) -> (Folder, SimulatedSystem, Client) {
    let (folder, system, mut client) = begin(folder);
    client.driver = system.loaded.clone();
    (folder, system.of_build(build), client)
}

fn passed(ended: &Result<Ended, ringcopy_client::machine::Failure>) -> bool {
    match ended {
        Ok(Ended::Done { passed, .. }) => *passed,
        ended => panic!("{ended:?}"),
    }
}

fn set(system: &SimulatedSystem) -> Vec<&str> {
    let settings = system
        .ran
        .iter()
        .filter_map(|line| line.strip_prefix("verifier.exe "));
    settings
        .filter(|line| !line.starts_with("/query"))
        .collect()
}

#[test]
fn one_run_is_enough_and_nothing_is_left_on() {
    for build in BUILDS {
        for risky in [false, true] {
            let (folder, mut system, mut client) = begin_on(build, "at-once");
            let options = Options {
                kind: Kind { risky, ..AT_ONCE },
                ..options(&folder)
            };
            let ended = run(&mut system, &mut client, &options);
            assert!(passed(&ended), "{build}: {}", report(&folder));
            assert!(system.verifier.is_off(), "{build}: {:?}", system.verifier);
            assert_eq!(
                folder.names(),
                ["ringcopy-vm-test.json", "ringcopy-vm-test.txt"]
            );
            assert!(!system.disk.running);
            let rounds = report(&folder)["rounds"].as_array().unwrap().len();
            assert_eq!(rounds, if risky { 3 } else { 2 });
            let summary = String::from_utf8(folder.read("ringcopy-vm-test.txt")).unwrap();
            assert!(summary.ends_with("Driver Verifier is off.\n"), "{summary}");
        }
    }
}

#[test]
fn each_windows_is_spoken_to_in_its_dialect() {
    let driver = "/volatile /adddriver ringcopy.sys";
    let no_driver = "/volatile /removedriver ringcopy.sys";
    let (flags, faults, off) = (
        "/volatile /flags 0x9BB",
        "/volatile /faults 600   0",
        "/volatile /flags 0",
    );
    for build in BUILDS {
        let (folder, mut system, mut client) = begin_on(build, "dialects");
        run(&mut system, &mut client, &at_once(&folder)).unwrap();
        let expected = if build < 22000 {
            vec![
                flags, driver, no_driver, off, // the first round
                flags, driver, faults, off, no_driver,
            ]
        } else {
            vec![
                "/dif 1 4 5 9 12 18 /now /driver ringcopy.sys",
                "/stop",
                driver,
                faults,
                off,
                no_driver,
            ]
        };
        assert_eq!(set(&system), expected, "{build}");
    }
}

#[test]
fn the_report_says_which_checks_were_not_on() {
    for (build, round, expected) in [
        (20348, 0, "DDI compliance checking, WDF verification\n"),
        // Low resources took the place of the flags.
        (20348, 1, "special pool (accepted, but not in effect)"),
        (
            26100,
            0,
            "force IRQL checking, deadlock detection, DMA checking, WDF",
        ),
        (
            26100,
            1,
            "special pool, force IRQL checking, pool tracking,",
        ),
    ] {
        let (folder, mut system, mut client) = begin_on(build, "not-on");
        run(&mut system, &mut client, &at_once(&folder)).unwrap();
        let not_on = report(&folder)["rounds"][round]["not_on"].clone();
        assert!(not_on.as_array().is_some_and(|names| !names.is_empty()));
        let summary = String::from_utf8(folder.read("ringcopy-vm-test.txt")).unwrap();
        let lines: Vec<_> = summary
            .lines()
            .filter(|line| line.starts_with("  not on: "))
            .collect();
        assert!(
            format!("{}\n", lines[round]).contains(expected),
            "{build}: {summary}"
        );
    }
}

#[test]
fn allocations_fail_at_once() {
    for build in BUILDS {
        let (folder, mut system, mut client) = begin_on(build, "low-at-once");
        system.uptime.set(std::time::Duration::ZERO);
        system.short_starts = (3, 1450);
        assert!(passed(&run(&mut system, &mut client, &at_once(&folder))));
        assert!(system.uptime.get().is_zero(), "nothing was waited for");
        let rounds = &report(&folder)["rounds"];
        assert_eq!(rounds[0]["steps"]["load"]["attempts"], 1);
        assert_eq!(rounds[1]["steps"]["load"]["attempts"], 4);
    }
}

#[test]
fn a_refused_setting_is_one_finding_and_the_round_is_run() {
    for (build, refused, round) in [
        (26100, "/faults", 1),
        (20348, "0x9BB", 0),
        (20348, "/adddriver", 0),
    ] {
        let (folder, mut system, mut client) = begin_on(build, "refused");
        system.verifier.refuses = vec![refused.into()];
        assert!(!passed(&run(&mut system, &mut client, &at_once(&folder))));
        let report = report(&folder);
        let round = &report["rounds"][round];
        let findings = round["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{build} {refused}: {findings:?}");
        let found = findings[0].as_str().unwrap();
        assert!(
            found.starts_with("Driver Verifier refused a setting: `verifier "),
            "{found}"
        );
        assert!(found.contains("exit code 1: it says nothing"), "{found}");
        assert_eq!(round["steps"]["load and unload"]["times"], 1);
        assert!(system.verifier.is_off(), "{:?}", system.verifier);
    }
}

#[test]
fn rule_classes_that_are_refused_are_replaced_by_the_flags_that_remain() {
    for risky in [false, true] {
        let (folder, mut system, mut client) = begin_on(26100, "replaced");
        system.verifier.refuses = vec!["/dif".into()];
        let options = Options {
            kind: Kind { risky, ..AT_ONCE },
            ..at_once(&folder)
        };
        assert!(passed(&run(&mut system, &mut client, &options)));
        assert!(system.verifier.is_off(), "{:?}", system.verifier);
        let first: Vec<_> = set(&system).into_iter().take(5).collect();
        let expected = [
            "/dif 1 4 5 9 12 18 /now /driver ringcopy.sys",
            "/volatile /flags 0xA0",
            "/volatile /adddriver ringcopy.sys",
            "/volatile /removedriver ringcopy.sys",
            "/volatile /flags 0",
        ];
        assert_eq!(first, expected);
        let refused = "refused a setting: `verifier /dif 1 4 5 9 12 18 /now";
        assert!(client.said.iter().any(|line| line.contains(refused)));
        let round = report(&folder)["rounds"][0].clone();
        assert_eq!(round["not_on"].as_array().unwrap().len(), 8, "{round}");
        let summary = String::from_utf8(folder.read("ringcopy-vm-test.txt")).unwrap();
        assert!(
            summary.contains("\n  refused: verifier /dif 1 4 5"),
            "{summary}"
        );
    }
}

#[test]
fn rule_classes_and_flags_that_are_refused_are_findings() {
    let (folder, mut system, mut client) = begin_on(26100, "all-refused");
    system.verifier.refuses = vec!["/dif".into(), "/flags".into()];
    assert!(!passed(&run(&mut system, &mut client, &at_once(&folder))));
    let findings = report(&folder)["rounds"][0]["findings"].clone();
    assert_eq!(findings.as_array().unwrap().len(), 2, "{findings}");
}

#[test]
fn settings_that_are_accepted_without_effect_are_found() {
    let (folder, mut system, mut client) = begin_on(20348, "without-effect");
    system.verifier.without_effect = true;
    assert!(!passed(&run(&mut system, &mut client, &at_once(&folder))));
    let findings = report(&folder)["rounds"][0]["findings"].to_string();
    assert!(findings.contains("none is in effect"), "{findings}");
}

#[test]
fn verifier_that_is_on_for_other_drivers_is_left_alone() {
    for kind in [AT_ONCE, Kind::default()] {
        for at_start in [false, true] {
            let (folder, mut system, mut client) = begin_on(20348, "others");
            let others = ["/standard", "/driver", "Other.sys"].map(String::from);
            if at_start {
                system.verifier.drivers = vec!["other.sys".into()];
                system.verifier.loaded = vec!["other.sys".into()];
                system.verifier.statistics = "MODULE: other.sys (load: 1 / unload: 0)\n".into();
            } else {
                system.verifier.next_start = others.into();
            }
            let before = system.verifier.clone();
            let options = Options {
                kind,
                ..options(&folder)
            };
            let failure = run(&mut system, &mut client, &options).unwrap_err();
            assert!(failure.0.contains("other drivers (other.sys)"), "{failure}");
            assert_eq!(system.verifier, before);
            assert_eq!(system.starts, 0);
            assert_eq!(folder.names(), [""; 0]);
        }
    }
}

/// A client that looks at the files when the second round begins.
struct Looking<'c> {
    client: &'c mut Client,
    folder: &'c Folder,
    seen: Option<Value>,
}

impl Exercise for Looking<'_> {
    fn command(&mut self, arguments: &[&str]) -> Result<Value, String> {
        self.client.command(arguments)
    }

    fn abuse(&mut self) -> Result<Value, String> {
        self.client.abuse()
    }

    fn say(&mut self, line: &str) {
        if self.seen.is_none() && line.starts_with("round \"low resources\"") {
            self.seen = Some(report(self.folder));
        }
        self.client.say(line);
    }
}

/// Runs the test, and returns the report as it is when the second round begins.
fn seen_in_the_second_round(
    folder: &Folder,
    system: &mut SimulatedSystem,
    client: &mut Client,
) -> Value {
    let mut looking = Looking {
        client,
        folder,
        seen: None,
    };
    run(system, &mut looking, &at_once(folder)).unwrap();
    looking.seen.unwrap()
}

#[test]
fn a_machine_that_is_lost_in_a_round_leaves_the_report_of_those_before() {
    for build in BUILDS {
        let (folder, mut system, mut client) = begin_on(build, "so-far");
        let seen = seen_in_the_second_round(&folder, &mut system, &mut client);
        assert_eq!(
            (&seen["complete"], &seen["passed"]),
            (&json!(false), &json!(false))
        );
        let steps = &seen["rounds"][0]["steps"];
        assert!(
            steps["statistics"]["text"]
                .as_str()
                .unwrap()
                .contains("ringcopy.sys")
        );
    }
}

#[test]
fn the_last_line_says_what_is_tried_next() {
    let (folder, mut system, mut client) = begin_on(20348, "last-line");
    client.abuse = Err("the machine is gone".into());
    run(&mut system, &mut client, &at_once(&folder)).unwrap();
    let found = client
        .said
        .iter()
        .position(|line| line.contains("the machine is gone"));
    assert_eq!(client.said[found.unwrap() - 1], "round \"standard\": abuse");
}

#[test]
fn ctrl_c_at_any_moment_turns_verifier_off_and_loses_nothing() {
    for (build, step) in [(20348, 1), (26100, 3)] {
        let mut moments = 0;
        for look in (0..).step_by(step) {
            let (folder, mut system, mut client) = begin_on(build, "at-once-interrupted");
            system.interrupt_at.set(Some(look));
            let ended = run(&mut system, &mut client, &at_once(&folder));
            system.interrupt_at.set(None);
            assert!(
                system.verifier.is_off(),
                "moment {look}: {:?}",
                system.verifier
            );
            let Err(failure) = ended else {
                break;
            };
            assert!(
                failure.0.contains("interrupted"),
                "moment {look}: {failure}"
            );
            let ended = run(&mut system, &mut client, &at_once(&folder));
            assert!(passed(&ended), "moment {look}: {}", report(&folder));
            assert!(system.verifier.is_off(), "moment {look}");
            moments += 1;
        }
        assert!(moments > 20 / step, "{moments}");
    }
}

#[test]
fn a_failure_at_any_change_leaves_nothing_on_or_says_so() {
    for (build, step) in [(20348, 1), (26100, 3)] {
        for failing in (0..36).step_by(step) {
            let (folder, mut system, mut client) = begin_on(build, "at-once-failing");
            system.fail = Some((failing, 5));
            let ended = run(&mut system, &mut client, &at_once(&folder));
            let told = client.said.iter().any(|line| line.contains("may stay on"));
            let off = system.verifier.is_off();
            assert!(
                off || told,
                "change {failing}: {ended:?} {:?}",
                system.verifier
            );
        }
    }
}

#[test]
fn a_process_that_was_ended_is_followed_by_one_that_goes_on() {
    for build in BUILDS {
        let (folder, mut system, mut client) = begin_on(build, "at-once-killed");
        // It was ended within the second round, and left all as it was then.
        let seen = seen_in_the_second_round(&folder, &mut system, &mut client);
        let progress = json!({
            "version": 2, "client": "0.1.0", "windows": [10, 0, build], "round": 1,
            "stage": "exercise", "kind": { "no_restart": true, "risky": false },
            "running": "abuse", "trying": null, "verifier_set": true, "policy": null,
            "rounds": [seen["rounds"][0], {
                "name": "low resources", "verifier": [], "settings": "", "not_on": [],
                "refused": [], "left_on": [], "steps": { "load": { "attempts": 1 } },
                "findings": [],
            }],
        });
        folder.write("ringcopy-vm-test.progress.json", progress.to_string());
        system
            .verifier
            .run(&["/volatile", "/adddriver", "ringcopy.sys"]);
        for restarted in [false, true] {
            if restarted {
                system.restart();
                folder.write("ringcopy-vm-test.progress.json", progress.to_string());
            }
            let ended = run(&mut system, &mut client, &at_once(&folder));
            assert!(!passed(&ended));
            let report = report(&folder);
            let findings = report["rounds"][1]["findings"].as_array().unwrap();
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].to_string().contains("did not end"));
            assert!(system.verifier.is_off(), "{:?}", system.verifier);
        }
    }
}

#[test]
fn a_test_goes_on_as_the_kind_that_it_began_as() {
    let (folder, mut system, mut client) = begin_on(20348, "other-kind");
    run(&mut system, &mut client, &options(&folder)).unwrap();
    let failure = run(&mut system, &mut client, &at_once(&folder)).unwrap_err();
    assert!(
        failure.0.contains("begun as `ringcopy vm-test`;"),
        "{failure}"
    );
    assert!(failure.0.contains("--give-up"), "{failure}");
    // What it had set up is as it was.
    assert!(!system.verifier.next_start.is_empty());
}

#[test]
fn giving_up_turns_off_what_was_switched_on_and_resets_nothing_else() {
    for build in BUILDS {
        let (folder, mut system, mut client) = begin_on(build, "at-once-given-up");
        system.interrupt_at.set(Some(6));
        run(&mut system, &mut client, &at_once(&folder)).unwrap_err();
        system.interrupt_at.set(None);
        let give_up = Options {
            give_up: true,
            ..options(&folder)
        };
        let ended = run(&mut system, &mut client, &give_up);
        assert!(!passed(&ended));
        assert!(!set(&system).contains(&"/reset"));
        assert!(system.verifier.is_off());
    }
}
