//! Everything that `cargo xtask test` proves, in the order of what it costs to find out.

mod arm;
mod lints;
mod mutants;

use crate::{accessors, error::Error, lab::Lab, places, program, wine};
use std::process::Command;

/// Runs it all, and stops at the first failure.
///
/// # Errors
///
/// What failed; the failing program has said why.
pub fn run() -> Result<(), Error> {
    let lab = Lab::prepare()?;
    lints::run()?;
    host()?;
    wine::test()?;
    arm::run()?;
    end_to_end(&mut program::cargo(), &lab)?;
    mutants::run(&lab)
}

/// All that can be tested without ring 0.
fn host() -> Result<(), Error> {
    program::run_here(program::cargo().current_dir(places::root()).arg("test"))?;
    let linux_build = places::root().join("crates/wdk-build-linux");
    program::run_here(
        program::cargo()
            .current_dir(linux_build)
            .args(["test", "--package", "wdk-build", "--target-dir"])
            .arg(places::target().join("wdk-build")),
    )
}

/// The driver as a file, and the driver at work in the lab.
fn end_to_end(cargo: &mut Command, lab: &Lab) -> Result<(), Error> {
    cargo.current_dir(places::root()).args([
        "test",
        "--package",
        "ringcopy-tests",
        "--no-fail-fast",
        "--",
        "--ignored",
    ]);
    lab.tell(cargo);
    accessors::tell(cargo, &accessors::build()?);
    program::run_here(cargo)?;
    accessors::report_ring_0()
}
