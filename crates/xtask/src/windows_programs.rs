//! Windows programs: the client, and the tests of client and accessors under Wine. They are built in
//! one folder, with one profile and one set of flags, so that shared crates and Rust's library, which
//! does not come compiled for their target, are built once.

use crate::{
    cargo, paths, program, role,
    toolchain::{Toolchain, WINDOWS_PROGRAMS as TARGET, WINDOWS_PROGRAMS_LINKER},
};
use anyhow::Result;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The profile of all of them except the benchmarks. It is in `Cargo.toml`.
pub const PROFILE: &str = "windows-program";

/// The variable with the linker, which the user may set.
const LINKER: &str = "CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_LINKER";

/// The variable with the program by which cargo runs them.
pub const RUNNER: &str = "CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_RUNNER";

/// Leaves the time of linking out of the header, so that equal sources make equal programs.
const NO_TIMESTAMP: &str = "-Clink-arg=-Wl,--no-insert-timestamp";

/// Returns the folder in which they are built.
pub fn folder() -> PathBuf {
    paths::target().join("windows-programs")
}

/// Returns the path of a program that [`cargo()`] has built.
pub fn built(name: &str) -> PathBuf {
    folder().join(TARGET).join(PROFILE).join(name)
}

/// Returns a `cargo` subcommand for Windows programs of this tree.
pub fn cargo(subcommand: &str, profile: &str) -> Result<Command> {
    of_tree(&paths::root(), &folder(), subcommand, profile)
}

/// Returns a `cargo` subcommand for Windows programs of the tree at `sources`.
///
/// A copy of this tree gets this tree's flags, so that a copy of the target folder is up to date.
pub fn of_tree(
    sources: &Path,
    target_dir: &Path,
    subcommand: &str,
    profile: &str,
) -> Result<Command> {
    let mut flags = cargo::remap_flags(&Toolchain::of_rustc()?, &paths::root());
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
        // The only C is the guard that the benchmarks compare with. It uses `__try`, which gcc lacks.
        .env("CC_x86_64_win7_windows_gnu", "clang")
        .env(
            "CFLAGS_x86_64_win7_windows_gnu",
            "--target=x86_64-w64-windows-gnu -fms-extensions",
        );
    role::wrap_rustc(&mut cargo);
    Ok(cargo)
}
