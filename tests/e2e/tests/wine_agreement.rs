//! Two kernels, one answer: what the self-test was told in Wine, it is told in the lab, field by
//! field.

#![forbid(unsafe_code)]

use std::{collections::BTreeMap, env, fs, io};

use ringcopy_client::{
    Transport,
    cli::{self, Console},
    protocol::Reach,
};
use ringcopy_tests::{boot, finish, privileged};
use serde_json::Value;

/// Fields whose values are each kernel's own.
const OWN: [&str; 2] = ["address", "explanation"];

/// The records of a self-test's document, by what was asked.
fn records(document: &Value) -> BTreeMap<String, Value> {
    let mut records = BTreeMap::new();
    for operation in document["operations"].as_array().unwrap() {
        let asked = ["operation", "case", "engine_asked"].map(|name| operation[name].to_string());
        let mut record = operation.clone();
        // Where a copy stopped is another place in other memory; that there is one is the same.
        let place = record["address"].is_string();
        for field in OWN {
            record.as_object_mut().unwrap().remove(field);
        }
        record["has_address"] = place.into();
        let twice = records.insert(asked.join(", "), record);
        assert!(twice.is_none(), "{asked:?} was asked twice");
    }
    records
}

fn lab() -> Value {
    let lab = boot(Reach::MEMORY);
    let mut out = Vec::new();
    let code = cli::run(
        ["ringcopy", "--json", "selftest"],
        &mut Console {
            out: &mut out,
            err: &mut io::sink(),
            input: &mut io::empty(),
            terminal: false,
            progress: false,
        },
        &mut || Ok(Box::new(privileged(&lab)) as Box<dyn Transport>),
    );
    finish(lab);
    assert_eq!(code, cli::SUCCESS);
    serde_json::from_slice(&out).unwrap()
}

#[test]
#[ignore = "needs the lab and Wine: cargo xtask test runs it"]
fn wine_and_the_lab_agree() {
    let path = env::var_os("RINGCOPY_WINE_SELFTEST")
        .expect("RINGCOPY_WINE_SELFTEST is not set: run cargo xtask test");
    let wine = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let (wine, lab) = (records(&wine), records(&lab()));
    for (asked, answer) in &wine {
        assert_eq!(lab.get(asked), Some(answer), "{asked}");
    }
    // Copies, refusals, partial copies and refused addresses are among them.
    for status in [
        "STATUS_SUCCESS",
        "STATUS_ACCESS_VIOLATION",
        "STATUS_INVALID_ADDRESS",
        "STATUS_INVALID_PARAMETER",
        "STATUS_INVALID_BUFFER_SIZE",
    ] {
        let seen = wine.values().any(|answer| answer["status"] == status);
        assert!(seen, "nothing ended with {status} in Wine");
    }
}
