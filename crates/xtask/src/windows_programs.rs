//! Windows programs: the client, and what tests it and the accessors under Wine. They are built in one
//! place, with one profile and one set of flags, so that Rust's library, which nobody has compiled for
//! their target, and what they share are built once.

use crate::{
    cargo,
    error::Error,
    places, program, role,
    toolchain::{Toolchain, WINDOWS_PROGRAMS as TARGET, WINDOWS_PROGRAMS_LINKER},
};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The profile of all but the benchmarks: `Cargo.toml` says what it is.
pub const PROFILE: &str = "windows-program";

/// The user's own choice of a linker.
const LINKER: &str = "CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_LINKER";

/// What runs such a program where cargo does.
pub const RUNNER: &str = "CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_RUNNER";

/// So that equal sources make equal programs: no time of linking in the header.
const NO_TIMESTAMP: &str = "-Clink-arg=-Wl,--no-insert-timestamp";

/// The folder that they are built in.
pub fn folder() -> PathBuf {
    places::target().join("windows-programs")
}

/// A program that [`cargo()`] has built.
pub fn built(name: &str) -> PathBuf {
    folder().join(TARGET).join(PROFILE).join(name)
}

/// A `cargo` subcommand for Windows programs of this tree.
///
/// # Errors
///
/// If rustc can't be asked about itself.
pub fn cargo(subcommand: &str, profile: &str) -> Result<Command, Error> {
    of_tree(&places::root(), &folder(), subcommand, profile)
}

/// A `cargo` subcommand for Windows programs of the tree at `sources`.
///
/// The flags are those for this tree, also for a copy of it: so a copy of what is built serves the
/// copy.
///
/// # Errors
///
/// As for [`cargo()`].
pub fn of_tree(
    sources: &Path,
    target_dir: &Path,
    subcommand: &str,
    profile: &str,
) -> Result<Command, Error> {
    let mut flags = cargo::remap_flags(&Toolchain::of_rustc()?, &places::root());
    flags.push(NO_TIMESTAMP.to_owned());
    let mut cargo = program::cargo();
    cargo
        .current_dir(sources)
        .args([subcommand, "--locked", "--profile", profile])
        .args(["--target", TARGET, "-Z", "build-std=std,panic_unwind"])
        .arg("--target-dir")
        .arg(target_dir)
        .arg("--config")
        .arg(cargo::rustflags_config(TARGET, &flags))
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            LINKER,
            env::var_os(LINKER).unwrap_or_else(|| WINDOWS_PROGRAMS_LINKER.into()),
        )
        // The only C is a guard that the benchmarks compare with: `__try`, which gcc does not know.
        .env("CC_x86_64_win7_windows_gnu", "clang")
        .env(
            "CFLAGS_x86_64_win7_windows_gnu",
            "--target=x86_64-w64-windows-gnu -fms-extensions",
        );
    role::wrap_rustc(&mut cargo);
    Ok(cargo)
}
