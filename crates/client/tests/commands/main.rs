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

/// Runs a command line against drivers that a function makes.
fn run_with(driver: impl Fn() -> SimulatedDriver, line: &str) -> Output {
    run_on(None, &mut to(driver), line)
}

/// Runs a command line against a driver.
fn run(line: &str) -> Output {
    run_with(SimulatedDriver::default, line)
}

/// Returns a driver with [`byte_at`] at each address, which does not report how far holes reach, and
/// is lost after this many requests.
fn lost_from(request: usize) -> impl Fn() -> SimulatedDriver {
    move || SimulatedDriver {
        lost_from: Some(request),
        reports_holes: false,
        change_byte: Some(Box::new(|_, address, _, _| byte_at(address))),
        ..SimulatedDriver::default()
    }
}

/// Returns the byte at an address of such a driver's memory.
const fn byte_at(address: u64) -> u8 {
    (address ^ address >> 8 ^ address >> 16).to_le_bytes()[0]
}

/// Returns the operations of a document, and checks that each has the fields of every operation.
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
