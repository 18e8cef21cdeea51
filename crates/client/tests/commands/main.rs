//! The command line: what it prints, and its exit codes, command by command.

#![forbid(unsafe_code)]

mod command_line;
#[path = "../console/mod.rs"]
mod console;
mod copy;
#[path = "../folder/mod.rs"]
mod folder;
mod info;
#[path = "../model/mod.rs"]
mod model;
mod ranges;
mod read;
mod resume;
mod selftest;
mod verify;

use console::{Output, run_on, to};
use model::Model;
use serde_json::Value;

/// Runs a command against drivers that `model` makes.
fn run_with(model: impl Fn() -> Model, args: &[&str]) -> Output {
    run_on(None, &mut to(model), args)
}

fn run(args: &[&str]) -> Output {
    run_with(Model::default, args)
}

/// The operations of a document, each of which has what every operation has.
fn operations(document: &Value) -> &Vec<Value> {
    let operations = document["operations"].as_array().unwrap();
    for operation in operations {
        for field in ["operation", "status", "asked", "copied", "address"] {
            assert!(operation.get(field).is_some(), "no {field} in {operation}");
        }
        assert!(operation["status"].as_str().unwrap().starts_with("STATUS_"));
        if let Some(address) = operation["address"].as_str() {
            assert!(address.starts_with("0x"), "{address}");
        }
    }
    operations
}
