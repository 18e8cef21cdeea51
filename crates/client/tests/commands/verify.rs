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
    let line = "verify --random 300 --seed";
    let output = run(&format!("{line} 7"));
    output.succeeded();
    let lines: Vec<_> = output.out.lines().collect();
    assert!(lines[0].starts_with("compared 300 pieces, seed 7: "));
    assert_eq!(
        lines[1],
        "changed 0: memory that was written to during the comparison"
    );
    assert_eq!(lines[2], "disagreements 0");
    let verify = |seed| run(&format!("{line} {seed} --json")).json();
    let document = verify("7");
    assert_eq!(document["compared"], 300);
    assert_eq!(document["changed"], 0);
    assert_eq!(document["disagreements"], 0);
    assert_eq!(document["seed"], 7);
    assert!(document["bytes"].as_u64().unwrap() > 10_000);
    assert!(document["incomplete"].as_u64().unwrap() > 20);
    let counts = |document: &Value| (document["bytes"].clone(), document["incomplete"].clone());
    assert_eq!(counts(&document), counts(&verify("7")), "the same choice");
    assert_ne!(counts(&document), counts(&verify("8")));
    assert_eq!(run("verify --json").json()["compared"], 1000);
}

/// Returns a driver that reads some bytes wrong, each time differently. `wrong` selects them by
/// engine, address, and number of the read.
fn reading_wrong(
    wrong: impl Fn(EngineKind, u64, u64) -> bool + Copy + 'static,
) -> impl Fn() -> SimulatedDriver {
    move || {
        SimulatedDriver::changing_bytes(move |engine, address, read, byte| {
            if wrong(engine, address, read) {
                byte ^ read.to_le_bytes()[0].max(1)
            } else {
                byte
            }
        })
    }
}

#[test]
fn verify_distinguishes_disagreement_from_change() {
    const ADDRESS: u64 = 0x20_0010;
    let line = "verify --physical 0x200000:64 0x300000:1MiB";
    let json = format!("{line} --json");
    let counts = |document: &Value| {
        [&document["changed"], &document["disagreements"]].map(|count| count.as_u64().unwrap())
    };
    // One engine always reads one byte wrong in the same way.
    let steady = || {
        SimulatedDriver::changing_bytes(|engine, address, _, byte| {
            byte ^ u8::from(engine == EngineKind::Native && address == ADDRESS)
        })
    };
    let output = run_with(steady, line);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.out.ends_with(
            "disagreements 1\n  physical 0x200000, 64 bytes: native STATUS_SUCCESS with 64 bytes, \
             system STATUS_SUCCESS with 64 bytes; byte 16 differs\n"
        ),
        "{}",
        output.out
    );
    let document = run_with(steady, &json).json();
    assert_eq!(document["compared"], 17);
    assert_eq!(document["disagreements"], 1);
    assert_eq!(document["disagreed_at"][0]["byte"], 16);
    // The byte changes with every read, so no engine is wrong.
    let changing = reading_wrong(|_, address, _| address == ADDRESS);
    let document = run_with(changing, &json).json();
    assert_eq!(counts(&document), [1, 0]);
    assert_eq!(document["succeeded"], true);
    assert_eq!(document["changed_at"][0]["address"], "0x200000");
    // It changed once, between the first reads of the engines.
    let once = reading_wrong(|_, address, read| address == ADDRESS && read == 1);
    assert_eq!(counts(&run_with(once, &json).json()), [1, 0]);
    // One byte always changes, and the engines differ in another one.
    let hidden = || {
        SimulatedDriver::changing_bytes(|engine, address, read, byte| match address {
            ADDRESS => byte ^ read.to_le_bytes()[0],
            0x20_0020 => byte ^ u8::from(engine == EngineKind::System),
            _ => byte,
        })
    };
    let document = run_with(hidden, &json).json();
    assert_eq!(counts(&document), [0, 1]);
    assert_eq!(document["disagreed_at"][0]["byte"], 32);
}

#[test]
fn every_byte_of_a_piece_is_compared() {
    for (address, byte) in [(0x20_0000, 0), (0x20_003F, 63)] {
        let wrong = || {
            SimulatedDriver::changing_bytes(move |engine, at, _, byte| {
                byte ^ u8::from(engine == EngineKind::System && at == address)
            })
        };
        let document = run_with(wrong, "verify --physical 0x200000:64 --json").json();
        assert_eq!(document["disagreements"], 1);
        assert_eq!(document["disagreed_at"][0]["byte"], byte);
    }
}

#[test]
fn a_change_where_nothing_changes_is_a_disagreement() {
    // The session buffer is sometimes read wrong.
    let flaky = reading_wrong(|engine, address, read| {
        engine == EngineKind::Native && address >> 11 == 0x10_0800 >> 11 && read.is_multiple_of(3)
    });
    let document = run_with(flaky, "verify --physical --json --seed 1").json();
    let count = document["disagreements"].as_u64().unwrap();
    assert!(count > 0, "{document}");
    assert_eq!(document["changed"], 0);
}

#[test]
fn verify_stays_in_reach_and_says_so() {
    let with_policy = |policy| move || SimulatedDriver::with_policy(policy, Reach::empty());
    let line = "verify --random 200 --seed 1";
    let output = run_with(with_policy(Reach::empty()), line);
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    output.out_has("compared 200 pieces");
    output.err_has("only memory of this process and the session buffer are compared");
    output.err_has("bit 0 (system virtual memory) or bit 1 (physical memory)");
    run_with(with_policy(Reach::all()), line).err_has("SeDebugPrivilege");
    let given = "verify --physical 0x200000:64";
    let output = run_with(with_policy(Reach::empty()), given);
    assert_eq!(output.code, FAILURE, "what was asked for was not compared");
    output.err_has("1 pieces are out of reach");
    output.err_has("bit 1 (physical memory)");
}

#[test]
fn a_hole_with_readable_memory_in_it_is_a_disagreement() {
    let with_excess =
        |hole_excess| move || SimulatedDriver::with(|driver| driver.hole_excess = hole_excess);
    let line = "verify --physical 0x9f000:64";
    let verify = |hole_excess| run_with(with_excess(hole_excess), &format!("{line} --json")).json();
    assert_eq!(verify(0)["disagreements"], 0);
    // The hole ends at 1 MiB, where RAM begins.
    let document = verify(1);
    assert_eq!(document["disagreements"], 1);
    let disagreement = &document["disagreed_at"][0];
    assert_eq!(disagreement["address"], "0x100000");
    assert_eq!(disagreement["native"]["status"], "STATUS_SUCCESS");
    assert_eq!(disagreement["system"]["status"], "STATUS_INVALID_ADDRESS");
    assert_eq!(disagreement["hole"]["address"], "0x9f000");
    assert_eq!(disagreement["hole"]["length"], 0x6_1001);
    let output = run_with(with_excess(1), line);
    assert_eq!(output.code, FAILURE);
    output.out_has(
        "; the engine that read the byte reported it in a hole of 397313 bytes from 0x9f000\n",
    );
}

#[test]
fn memory_that_appears_in_a_hole_is_no_disagreement() {
    let paged_out = || {
        let mut driver = SimulatedDriver::default();
        // The system's engine pages it in, the native engine cannot.
        driver.memory.paged_out.insert(0xFFFF_F800_0000_0000 / 4096);
        driver
    };
    let document = run_with(paged_out, "verify --json --virtual 0xfffff80000000000:64").json();
    assert_eq!(document["disagreements"], 0);
}

#[test]
fn only_the_edges_of_a_hole_are_compared() {
    let asked = Rc::new(RefCell::default());
    let counting = || SimulatedDriver::with(|driver| driver.asked = Rc::clone(&asked));
    let document = run_with(counting, "verify --json --physical 0x3fff0000:16GiB").json();
    assert_eq!(document["disagreements"], 0);
    // 64 pieces at once by each engine, and two bytes of each hole.
    let count = asked.borrow().len();
    assert!(count <= 2 * 3 * 64, "{count} pieces");
}

#[test]
fn verify_needs_two_engines() {
    let no_native =
        || SimulatedDriver::with(|driver| driver.native_status = NtStatus::NOT_SUPPORTED);
    run_with(no_native, "verify").only_err_has("nothing to compare");
}
