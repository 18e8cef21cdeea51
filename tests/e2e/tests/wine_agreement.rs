//! The self-test has the same results in Wine and in the lab, field by field.

#![forbid(unsafe_code)]

use std::{collections::BTreeMap, env, fs};

use ringcopy_client::{cli, protocol::Reach};
use ringcopy_tests::{boot, run_client};
use serde_json::Value;

/// Fields whose values differ from kernel to kernel.
const OWN: [&str; 2] = ["address", "explanation"];

/// The records of a self-test's document, by operation, case and engine.
fn records(document: &Value) -> BTreeMap<String, Value> {
    let mut records = BTreeMap::new();
    for operation in document["operations"].as_array().unwrap() {
        let asked = ["operation", "case", "engine_asked"].map(|name| operation[name].to_string());
        let mut record = operation.clone();
        // The address differs, but whether there is one does not.
        let has_address = record["address"].is_string();
        for field in OWN {
            record.as_object_mut().unwrap().remove(field);
        }
        record["has_address"] = has_address.into();
        let twice = records.insert(asked.join(", "), record);
        assert!(twice.is_none(), "{asked:?} is there twice");
    }
    records
}

fn lab() -> Value {
    let lab = boot(Reach::MEMORY);
    let run = run_client(&lab, "--json selftest", None);
    assert_eq!(run.code, cli::SUCCESS, "{}", run.err);
    serde_json::from_slice(&run.out).unwrap()
}

#[test]
#[ignore = "needs the lab and Wine: cargo xtask test runs it"]
fn wine_and_the_lab_agree() {
    let path = env::var_os("RINGCOPY_WINE_SELFTEST")
        .expect("RINGCOPY_WINE_SELFTEST is not set: run cargo xtask test");
    let wine = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let (wine, lab) = (records(&wine), records(&lab()));
    for (asked, record) in &wine {
        assert_eq!(lab.get(asked), Some(record), "{asked}");
    }
    // Copies, refusals, partial copies and refused addresses are among them.
    for status in [
        "STATUS_SUCCESS",
        "STATUS_ACCESS_VIOLATION",
        "STATUS_INVALID_ADDRESS",
        "STATUS_INVALID_PARAMETER",
        "STATUS_INVALID_BUFFER_SIZE",
    ] {
        let seen = wine.values().any(|record| record["status"] == status);
        assert!(seen, "nothing ended with {status} in Wine");
    }
}
