//! Miri, an interpreter that finds undefined behaviour, on tests of the crates without assembly. The
//! accessors are replaced by `arch/portable.rs` there.

use crate::{paths, program};
use anyhow::Result;
use std::process::Command;

/// Tests of a few seconds each: arguments of cargo, and after `--` of the test program.
const QUICK: &[&[&str]] = &[
    &[
        "--package",
        "nt-status",
        "--package",
        "ringcopy-protocol",
        "--lib",
    ],
    &[
        "--package",
        "mm-copy",
        "--lib",
        "--test",
        "model",
        "--",
        "ranges::",
    ],
    &["--package", "usermode-accessors", "--test", "types"],
];

/// All tests of the crates, which take an hour.
const ALL: &[&[&str]] = &[
    &[
        "--package",
        "nt-status",
        "--package",
        "ringcopy-protocol",
        "--package",
        "mm-copy",
    ],
    &[
        "--package",
        "usermode-accessors",
        "--lib",
        "--test",
        "types",
        "--test",
        "values",
    ],
];

/// Runs the quick tests.
pub fn quick() -> Result<()> {
    run(QUICK)
}

/// Runs all tests.
pub fn all() -> Result<()> {
    run(ALL)
}

fn run(runs: &[&[&str]]) -> Result<()> {
    let set_up = miri().args(["setup", "--quiet"]).output();
    if !set_up.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "not run in Miri: rustup toolchain install nightly --profile minimal \
             --component miri,rust-src"
        );
        return Ok(());
    }
    for arguments in runs {
        program::run_here(miri().args(["test", "--quiet"]).args(*arguments))?;
    }
    Ok(())
}

fn miri() -> Command {
    let mut command = program::named("rustup");
    command
        .current_dir(paths::root())
        .args(["run", "nightly", "cargo", "miri"])
        // Addresses are numbers here. Files are read by proptest.
        .env(
            "MIRIFLAGS",
            "-Zmiri-permissive-provenance -Zmiri-disable-isolation",
        )
        .env("PROPTEST_CASES", "2");
    command
}
