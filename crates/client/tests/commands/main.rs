//! The command line: what it prints, and its exit codes, command by command.

#![cfg(feature = "program")]
#![forbid(unsafe_code)]

mod all_ram;
mod command_line;
#[path = "../simulated/console/mod.rs"]
mod console;
mod copy;
#[path = "../simulated/driver/mod.rs"]
mod driver;
#[path = "../folder/mod.rs"]
mod folder;
mod info;
mod lists;
mod ranges;
mod read;
mod resume;
mod selftest;
mod standard_output;
mod summaries;
mod untouched;
mod verify;

use console::{Output, run_on, to};
use driver::SimulatedDriver;
use serde_json::Value;

/// Runs a command against drivers that `model` makes.
fn run_with(model: impl Fn() -> SimulatedDriver, args: &[&str]) -> Output {
    run_on(None, &mut to(model), args)
}

/// A driver whose every byte of memory tells its address, which does not say how far holes reach, and
/// which is lost after so many requests.
fn lost_from(request: usize) -> impl Fn() -> SimulatedDriver {
    move || SimulatedDriver {
        lost_from: Some(request),
        tells_holes: false,
        twist: Some(Box::new(|_, address, _, _| byte_at(address))),
        ..SimulatedDriver::default()
    }
}

/// What is at an address of such a driver's memory.
const fn byte_at(address: u64) -> u8 {
    (address ^ address >> 8 ^ address >> 16).to_le_bytes()[0]
}

fn run(args: &[&str]) -> Output {
    run_with(SimulatedDriver::default, args)
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
