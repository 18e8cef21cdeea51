//! What is found, and what is none of the driver's fault.

use std::fs;

use serde_json::{Value, json};

use crate::{
    Client, begin, complete, folder::Folder, report, run_and_restart, system::SimulatedSystem,
};

#[test]
fn an_engine_that_is_not_in_use_is_skipped_and_one_that_failed_is_found() {
    for (skipped, passed) in [(json!("not in use"), true), (Value::Null, false)] {
        let folder = Folder::new(if passed { "unused" } else { "failed" });
        let mut system = SimulatedSystem::installed();
        let mut client = Client {
            verify: json!({ "succeeded": false, "skipped": skipped, "error": "not in use" }),
            ..Client::default()
        };
        assert_eq!(complete(&mut system, &mut client, &folder), passed);
        let steps = &report(&folder)["rounds"][0]["steps"];
        assert_eq!(steps["verify"]["skipped"], skipped);
    }
}

#[test]
fn settings_that_a_restart_did_not_keep_are_found() {
    let (folder, mut system, mut client) = begin("other-settings");
    run_and_restart(&mut system, &mut client, &folder);
    system.verifier.next_start = ["/standard", "/driver", "other.sys"]
        .map(String::from)
        .into();
    assert!(!complete(&mut system, &mut client, &folder));
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
    let mut system = SimulatedSystem::installed();
    system.verifier.statistics = "MODULE: ringcopy.sys (load: 1 / unload: 1)\n  \
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
    assert!(!complete(&mut system, &mut client, &folder));
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
    let mut system = SimulatedSystem::installed();
    let mut client = Client {
        selftest: json!({ "succeeded": false, "error": null, "operations": [
            { "case": "4 KiB", "passed": false, "status": "STATUS_INSUFFICIENT_RESOURCES" },
        ] }),
        abuse: Err("open failed with STATUS_INSUFFICIENT_RESOURCES".into()),
        ..Client::default()
    };
    assert!(!complete(&mut system, &mut client, &folder));
    let report = report(&folder);
    let first = report["rounds"][0]["findings"].to_string();
    assert!(first.contains("4 KiB"), "in the first round it is: {first}");
    assert!(first.contains("abuse: open failed"), "{first}");
    assert_eq!(report["rounds"][1]["findings"], json!([]));
}

#[test]
fn a_driver_that_is_short_of_memory_is_loaded_again_and_again() {
    let (folder, mut system, mut client) = begin("short-loads");
    system.short_starts = (20, 1450);
    let passed = complete(&mut system, &mut client, &folder);
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
        let (folder, mut system, mut client) = begin(folder);
        system.short_starts = (1000, code);
        assert!(!complete(&mut system, &mut client, &folder));
        assert_eq!(system.short_starts.0, 1000 - tries);
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
        let (folder, mut system, mut client) = begin(folder);
        system.good_starts = 1;
        system.short_starts = (failing, code);
        let passed = complete(&mut system, &mut client, &folder);
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
    let (folder, mut system, mut client) = begin("counted");
    system.verifier.statistics += "MODULE: other.sys (load: 1 / unload: 0)\n  \
                           Current Pool Bytes:        (     77 /      0 )\n";
    assert!(complete(&mut system, &mut client, &folder));
    let summary = String::from_utf8(folder.read("ringcopy-vm-test.txt")).unwrap();
    let counters = |round: &str| {
        format!(
            "Verifier's counters in round \"{round}\":\n  \
             MODULE: ringcopy.sys (load: 1 / unload: 1)\n    \
             Current Pool Allocations:  (      0 /      0 )\n"
        )
    };
    let end = format!(
        "{}{}Driver Verifier is off after the next restart.\n",
        counters("standard"),
        counters("low resources")
    );
    assert!(summary.ends_with(&end), "{summary}");
}

/// Returns a document of `verify` with one disagreement for each of these statuses of the native engine.
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
    let mut system = SimulatedSystem::installed();
    let mut client = Client {
        verify: disagreeing(&[short, other, short]),
        ..Client::default()
    };
    assert!(!complete(&mut system, &mut client, &folder));
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
    let mut system = SimulatedSystem::installed();
    let mut verify = disagreeing(&[]);
    let mut client = Client {
        verify: verify.clone(),
        ..Client::default()
    };
    assert!(!complete(&mut system, &mut client, &folder));
    for round in report(&folder)["rounds"].as_array().unwrap() {
        assert_eq!(round["findings"], json!(["verify: it did not succeed"]));
    }
    verify["denied"] = json!(2);
    client.verify = verify;
    assert!(!complete(&mut system, &mut client, &folder));
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
    let mut system = SimulatedSystem::installed();
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
    assert!(!complete(&mut system, &mut client, &folder));
    let findings = &report(&folder)["rounds"][1]["findings"];
    assert_eq!(
        *findings,
        json!(["selftest: kernel pointer: it was copied"])
    );
}
