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
        "--package",
        "mm-copy",
        "--lib",
    ],
    &["--package", "mm-copy", "--doc"],
    &[
        "--package",
        "usermode-accessors",
        "--test",
        "types",
        "--test",
        "values",
        "--test",
        "user_limit",
    ],
];

/// Tests that take minutes as well. Those that are skipped did not end within some minutes.
const MORE: &[&[&str]] = &[&[
    "--package",
    "mm-copy",
    "--test",
    "model",
    "--",
    "holes::",
    "ranges::",
    "physical::",
    "--skip",
    "with_a_wider_span",
    "--skip",
    "work_is_linear",
]];

/// Runs the quick tests.
pub fn quick() -> Result<()> {
    run(QUICK)
}

/// Runs the quick tests, and those that take minutes.
pub fn all() -> Result<()> {
    quick()?;
    run(MORE)
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
