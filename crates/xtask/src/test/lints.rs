//! Formatting and lints, in every workspace. A warning is an error here.

use crate::{
    cargo,
    error::Error,
    places, program,
    toolchain::{Target, Toolchain},
};
use std::{path::Path, process::Command};

/// Checks what rustfmt and clippy can check.
///
/// # Errors
///
/// If either has something to say; it has said it.
pub fn run() -> Result<(), Error> {
    let root = places::root();
    for workspace in ["", "crates/wdk-build-linux", "tests/lab/kernel"] {
        let folder = root.join(workspace);
        program::run_here(
            program::cargo()
                .current_dir(folder)
                .args(["fmt", "--all", "--check"]),
        )?;
    }
    // F5: what an editor checks, `cargo check --workspace --all-targets`, and lints besides.
    let mut host = program::cargo();
    host.current_dir(&root)
        .args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    deny_warnings(host)?;
    cross(
        Target::Windows,
        &root.join("crates/wdk-build-linux"),
        "windows",
    )?;
    cross(
        Target::BareMetal,
        &root.join("tests/lab/kernel"),
        "lab-kernel",
    )
}

fn cross(target: Target, folder: &Path, target_dir: &str) -> Result<(), Error> {
    let target_dir = places::target().join(target_dir);
    let toolchain = Toolchain::of_rustc()?;
    deny_warnings(cargo::command(
        &toolchain,
        "clippy",
        target,
        folder,
        &target_dir,
    ))
}

fn deny_warnings(mut clippy: Command) -> Result<(), Error> {
    program::run_here(clippy.args(["--", "--deny", "warnings"]))
}
