//! `ringcopy verify`.

use ringcopy_client::{
    cli::{FAILURE, SUCCESS},
    protocol::{EngineKind, NtStatus, Reach},
};
use serde_json::Value;
use std::{cell::RefCell, rc::Rc};

use crate::{driver::SimulatedDriver, run, run_with};

#[test]
fn verify_finds_engines_that_agree() {
    let output = run(&["verify", "--random", "300", "--seed", "7"]);
    assert_eq!(
        (output.code, output.err.as_str()),
        (SUCCESS, ""),
        "{}",
        output.out
    );
    let lines: Vec<_> = output.out.lines().collect();
    assert!(
        lines[0].starts_with("compared 300 pieces, seed 7: "),
        "{}",
        lines[0]
    );
    assert_eq!(
        lines[1],
        "changed 0: memory that was written to during the comparison"
    );
    assert_eq!(lines[2], "disagreements 0");
    let verify = |seed| run(&["verify", "--random", "300", "--seed", seed, "--json"]).json();
    let document = verify("7");
    assert_eq!(document["compared"], 300);
    assert_eq!(document["changed"], 0);
    assert_eq!(document["disagreements"], 0);
    assert_eq!(document["seed"], 7);
    assert!(document["bytes"].as_u64().unwrap() > 10_000);
    assert!(document["incomplete"].as_u64().unwrap() > 20);
    let told = |document: &Value| (document["bytes"].clone(), document["incomplete"].clone());
    assert_eq!(
        told(&document),
        told(&verify("7")),
        "a seed decides the choice"
    );
    assert_ne!(told(&document), told(&verify("8")));
    assert_eq!(run(&["verify", "--json"]).json()["compared"], 1000);
}

/// A driver that reads a byte wrong: which engine, where, in which read, what it was.
fn twisted(
    wrong: impl Fn(EngineKind, u64, u64) -> bool + Copy + 'static,
) -> impl Fn() -> SimulatedDriver {
    move || SimulatedDriver {
        twist: Some(Box::new(move |engine, address, read, byte| {
            if wrong(engine, address, read) {
                byte ^ read.to_le_bytes()[0].max(1)
            } else {
                byte
            }
        })),
        ..SimulatedDriver::default()
    }
}

#[test]
fn verify_tells_disagreement_from_change() {
    const ADDRESS: u64 = 0x20_0010;
    let args = ["verify", "--physical", "0x200000:64", "0x300000:1MiB"];
    let json = [
        "--json",
        "verify",
        "--physical",
        "0x200000:64",
        "0x300000:1MiB",
    ];
    // One engine reads one byte wrong, always in the same way.
    let steady = || SimulatedDriver {
        twist: Some(Box::new(|engine, address, _, byte| {
            byte ^ u8::from(engine == EngineKind::Native && address == ADDRESS)
        })),
        ..SimulatedDriver::default()
    };
    let output = run_with(steady, &args);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.out.ends_with(
            "disagreements 1\n  physical 0x200000, 64 bytes: native STATUS_SUCCESS with 64 \
             bytes, system STATUS_SUCCESS with 64 bytes; byte 16 differs\n"
        ),
        "{}",
        output.out
    );
    let document = run_with(steady, &json).json();
    assert_eq!(document["compared"], 17);
    assert_eq!(document["disagreements"], 1);
    assert_eq!(document["disagreed_at"][0]["byte"], 16);
    // The byte changes with every look: nobody is wrong.
    let restless = twisted(|_, address, _| address == ADDRESS);
    let document = run_with(restless, &json).json();
    assert_eq!(
        (&document["changed"], &document["disagreements"]),
        (&1.into(), &0.into())
    );
    assert_eq!(document["succeeded"], true);
    assert_eq!(document["changed_at"][0]["address"], "0x200000");
    // It changed once, between the two engines' first looks.
    let once = twisted(|_, address, read| address == ADDRESS && read == 1);
    let document = run_with(once, &json).json();
    assert_eq!(
        (&document["changed"], &document["disagreements"]),
        (&1.into(), &0.into())
    );
    // Beside a byte that never rests, the engines differ in one that does.
    let hidden = || SimulatedDriver {
        twist: Some(Box::new(|engine, address, read, byte| match address {
            ADDRESS => byte ^ read.to_le_bytes()[0],
            0x20_0020 => byte ^ u8::from(engine == EngineKind::System),
            _ => byte,
        })),
        ..SimulatedDriver::default()
    };
    let document = run_with(hidden, &json).json();
    assert_eq!(
        (&document["changed"], &document["disagreements"]),
        (&0.into(), &1.into())
    );
    assert_eq!(document["disagreed_at"][0]["byte"], 32);
}

#[test]
fn every_byte_of_a_piece_is_compared() {
    for (address, byte) in [(0x20_0000, 0), (0x20_003F, 63)] {
        let wrong = || SimulatedDriver {
            twist: Some(Box::new(move |engine, at, _, byte| {
                byte ^ u8::from(engine == EngineKind::System && at == address)
            })),
            ..SimulatedDriver::default()
        };
        let args = ["verify", "--physical", "0x200000:64", "--json"];
        let document = run_with(wrong, &args).json();
        assert_eq!(document["disagreements"], 1);
        assert_eq!(document["disagreed_at"][0]["byte"], byte);
    }
}

#[test]
fn a_change_where_nothing_changes_is_a_disagreement() {
    // The session buffer, misread now and then.
    let flaky = twisted(|engine, address, read| {
        engine == EngineKind::Native && address >> 11 == 0x10_0800 >> 11 && read.is_multiple_of(3)
    });
    let document = run_with(flaky, &["verify", "--physical", "--json", "--seed", "1"]).json();
    assert!(
        document["disagreements"].as_u64().unwrap() > 0,
        "{document}"
    );
    assert_eq!(document["changed"], 0);
}

#[test]
fn verify_keeps_to_what_it_may_reach_and_says_so() {
    let model = |policy| {
        move || SimulatedDriver {
            policy,
            reach: Reach::empty(),
            ..SimulatedDriver::default()
        }
    };
    let args = ["verify", "--random", "200", "--seed", "1"];
    let output = run_with(model(Reach::empty()), &args);
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    assert!(
        output.out.starts_with("compared 200 pieces"),
        "{}",
        output.out
    );
    assert!(
        output
            .err
            .contains("only memory of this process and the session buffer are compared"),
        "{}",
        output.err
    );
    assert!(
        output
            .err
            .contains("bit 0 (system virtual memory) or bit 1 (physical memory)"),
        "{}",
        output.err
    );
    let output = run_with(model(Reach::all()), &args);
    assert!(output.err.contains("SeDebugPrivilege"), "{}", output.err);
    let given = ["verify", "--physical", "0x200000:64"];
    let output = run_with(model(Reach::empty()), &given);
    assert_eq!(output.code, FAILURE, "what was asked for was not compared");
    assert!(
        output.err.contains("1 pieces are out of reach"),
        "{}",
        output.err
    );
    assert!(
        output.err.contains("bit 1 (physical memory)"),
        "{}",
        output.err
    );
}

#[test]
fn f8_a_hole_with_readable_memory_in_it_is_a_disagreement() {
    let model = |too_far| {
        move || SimulatedDriver {
            too_far,
            ..SimulatedDriver::default()
        }
    };
    let args = ["verify", "--json", "--physical", "0x9f000:64"];
    assert_eq!(run_with(model(0), &args).json()["disagreements"], 0);
    // The hole ends at 1 MiB, and RAM begins.
    let document = run_with(model(1), &args).json();
    assert_eq!(document["disagreements"], 1);
    let disagreement = &document["disagreed_at"][0];
    assert_eq!(disagreement["address"], "0x100000");
    assert_eq!(disagreement["native"]["status"], "STATUS_SUCCESS");
    assert_eq!(disagreement["system"]["status"], "STATUS_INVALID_ADDRESS");
    assert_eq!(disagreement["hole"]["address"], "0x9f000");
    assert_eq!(disagreement["hole"]["length"], 0x6_1001);
    let output = run_with(model(1), &["verify", "--physical", "0x9f000:64"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.out.ends_with(
            "; the engine that read the byte reported it in a hole of 397313 bytes from \
             0x9f000\n"
        ),
        "{}",
        output.out
    );
}

/// What comes to be in a hole after an engine told of it is no disagreement.
#[test]
fn f8_memory_that_appears_in_a_hole_is_no_disagreement() {
    let model = || {
        let mut model = SimulatedDriver::default();
        // Brought in by the system's engine, which the native one could not do.
        model.machine.paged_out.insert(0xFFFF_F800_0000_0000 / 4096);
        model
    };
    let args = ["verify", "--json", "--virtual", "0xfffff80000000000:64"];
    assert_eq!(run_with(model, &args).json()["disagreements"], 0);
}

#[test]
fn f8_a_hole_is_compared_at_its_edges_alone() {
    let asked = Rc::new(RefCell::default());
    let model = || SimulatedDriver {
        asked: Rc::clone(&asked),
        ..SimulatedDriver::default()
    };
    let args = ["verify", "--json", "--physical", "0x3fff0000:16GiB"];
    let document = run_with(model, &args).json();
    assert_eq!(document["disagreements"], 0);
    // 64 pieces at once, of each engine, and two bytes of each hole.
    let count = asked.borrow().len();
    assert!(count <= 2 * 3 * 64, "{count} pieces");
}

#[test]
fn verify_needs_two_engines() {
    let model = || SimulatedDriver {
        native_status: NtStatus::NOT_SUPPORTED,
        ..SimulatedDriver::default()
    };
    let output = run_with(model, &["verify"]);
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert!(output.err.contains("nothing to compare"), "{}", output.err);
}
