//! `ringcopy.exe`: the client as one Windows program that needs nothing beside it.

use crate::{
    cargo,
    error::Error,
    places, program, role, setup,
    step::Step,
    toolchain::{Toolchain, WINDOWS_PROGRAMS as TARGET, WINDOWS_PROGRAMS_LINKER as LINKER},
};
use std::{env, path::PathBuf};

/// So that equal sources make equal programs: no time of linking in the header.
const NO_TIMESTAMP: &str = "-Clink-arg=-Wl,--no-insert-timestamp";

/// Builds it.
///
/// # Errors
///
/// What is missing, or what the compiler said.
pub fn build() -> Result<PathBuf, Error> {
    setup::for_windows_programs()?;
    let step = Step::start("building ringcopy.exe");
    let target_dir = places::target().join("client");
    let mut flags = cargo::remap_flags(&Toolchain::of_rustc()?, &places::root());
    flags.push(NO_TIMESTAMP.to_owned());
    // A linker that the user chose stays.
    let linker = "CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_LINKER";
    let chosen = env::var_os(linker).unwrap_or_else(|| LINKER.into());
    let mut build = program::cargo();
    build
        .current_dir(places::root())
        .args(["build", "--package", "ringcopy-client", "--bin", "ringcopy"])
        .args(["--release", "--locked", "--target", TARGET])
        .args(["-Z", "build-std=std,panic_abort", "--target-dir"])
        .arg(&target_dir)
        .arg("--config")
        .arg(cargo::rustflags_config(TARGET, &flags))
        // Symbols are of no use without sources, and name folders of this machine.
        .args(["--config", "profile.release.strip=true"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env(linker, chosen);
    role::wrap_rustc(&mut build);
    program::run(&step, &mut build)?;
    step.done();
    Ok(target_dir.join(TARGET).join("release/ringcopy.exe"))
}
