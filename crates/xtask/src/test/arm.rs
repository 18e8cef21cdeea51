//! The accessors for Windows on Arm, without such a machine: their unwind data is decoded, and their
//! tests run on Linux, in QEMU, with a stand-in for the dispatcher.

use crate::{
    paths, program, setup,
    toolchain::{Target, Toolchain},
};
use anyhow::Result;
use std::process::Command;

const LINKER: &str = "aarch64-linux-gnu-gcc";
const RUNNER: &str = "qemu-aarch64 -L /usr/aarch64-linux-gnu";

/// Decodes the unwind data, and runs the tests.
pub fn run() -> Result<()> {
    let target = Target::WindowsOnArm;
    program::run_here(&mut cargo("build", target, "core")?)?;
    let library = paths::target()
        .join("aarch64")
        .join(target.triple())
        .join("debug/libusermode_accessors.rlib");
    program::run_here(
        program::cargo()
            .current_dir(paths::root())
            .args(["test", "--package", "ringcopy-unwind"])
            .args(["--", "--include-ignored"])
            .env("RINGCOPY_AARCH64_LIBRARY", library),
    )?;
    setup::packages(&[setup::ARM])?;
    program::run_here(
        cargo("test", Target::LinuxOnArm, "std,panic_unwind")?
            .args(["--package", "accessor-matrix", "--lib", "--test=process"])
            .args(["--test=checks", "--test=contention"])
            .args(["--test=strings", "--test=types"])
            // Tests unwind. With the profile's abort, core would be built twice.
            .env("CARGO_PROFILE_DEV_PANIC", "unwind")
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", RUNNER),
    )
}

/// Returns a `cargo` subcommand for the accessors. It builds `library` if there is no compiled one.
fn cargo(subcommand: &str, target: Target, library: &str) -> Result<Command> {
    let mut cargo = program::cargo();
    cargo
        .current_dir(paths::root())
        .args([subcommand, "--package", "usermode-accessors"])
        .args(["--target", target.triple(), "--target-dir"])
        .arg(paths::target().join("aarch64"));
    if !Toolchain::of_rustc()?.has_compiled_library(target) {
        cargo
            .args(["-Z", &format!("build-std={library}")])
            .env("RUSTC_BOOTSTRAP", "1");
    }
    Ok(cargo)
}
