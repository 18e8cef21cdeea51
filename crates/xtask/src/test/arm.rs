//! The accessors for Windows on Arm, as far as they can be tested where there is none: their unwind
//! data is decoded, and the accessors' tests run on Linux, in QEMU, with a stand-in for the
//! dispatcher.

use crate::{
    error::Error,
    places, program, setup,
    toolchain::{Target, Toolchain},
};
use std::process::Command;

const LINKER: &str = "aarch64-linux-gnu-gcc";
const RUNNER: &str = "qemu-aarch64 -L /usr/aarch64-linux-gnu";

/// Runs both.
///
/// # Errors
///
/// If the library does not build, or a test fails.
pub fn run() -> Result<(), Error> {
    let target = Target::WindowsOnArm;
    program::run_here(&mut cargo("build", target, "core")?)?;
    let library = places::target()
        .join("aarch64")
        .join(target.triple())
        .join("debug/libusermode_accessors.rlib");
    program::run_here(
        program::cargo()
            .current_dir(places::root())
            .args(["test", "--package", "ringcopy-unwind"])
            .args(["--", "--include-ignored"])
            .env("RINGCOPY_AARCH64_LIBRARY", library),
    )?;
    setup::for_arm()?;
    program::run_here(
        cargo("test", Target::LinuxOnArm, "std,panic_unwind")?
            .args(["--package", "accessor-matrix", "--lib", "--test=process"])
            .args(["--test=checks", "--test=contention"])
            .args(["--test=strings", "--test=types"])
            // A test program unwinds: with the profile's abort, core would be built twice.
            .env("CARGO_PROFILE_DEV_PANIC", "unwind")
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", RUNNER),
    )
}

/// A `cargo` subcommand for the accessors, with what is needed of Rust's library compiled along where
/// it is not there.
fn cargo(subcommand: &str, target: Target, library: &str) -> Result<Command, Error> {
    let mut cargo = program::cargo();
    cargo
        .current_dir(places::root())
        .args([subcommand, "--package", "usermode-accessors"])
        .args(["--target", target.triple(), "--target-dir"])
        .arg(places::target().join("aarch64"));
    if !Toolchain::of_rustc()?.has_compiled_library(target) {
        cargo
            .args(["-Z", &format!("build-std={library}")])
            .env("RUSTC_BOOTSTRAP", "1");
    }
    Ok(cargo)
}
