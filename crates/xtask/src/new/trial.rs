//! The trial of `cargo xtask new` in `cargo xtask test`: a project is made, linted, built and run in the lab.

use super::{FILES, Name, Source, make};
use crate::{
    paths, program,
    test::lint_workflows,
    toolchain::{Target, Toolchain},
};
use anyhow::Result;
use fs_err as fs;
use std::{path::Path, process::Command};

const NAME: &str = "driver-of-ones-own";

/// Makes a project in a temporary folder, and tries it in a folder that keeps what was built.
pub fn run() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let made = scratch.path().join(NAME);
    make(&Name::new(NAME)?, &Source::Clone(paths::root()), &made)?;
    lint_workflows(&made, &[made.join(".github/workflows/driver.yml")])?;

    let folder = paths::target().join("new").join(NAME);
    for (path, _) in FILES {
        take_over(&made.join(path), &folder.join(path))?;
    }
    for manifest in ["Cargo.toml", "lab-test/Cargo.toml"] {
        let mut format = cargo(&folder)?;
        format.args(["fmt", "--check", "--manifest-path", manifest]);
        program::run_here(&mut format)?;
    }
    let lints: &[&[&str]] = &[
        &[
            "--release",
            "--target",
            Target::Windows.triple(),
            "--config",
            "linux.toml",
        ],
        &["--manifest-path", "lab-test/Cargo.toml", "--tests"],
    ];
    for arguments in lints {
        let mut clippy = cargo(&folder)?;
        clippy.args(["clippy", "--quiet"]).args(*arguments);
        program::run_here(clippy.args(["--", "--deny", "warnings"]))?;
    }
    program::run_here(cargo(&folder)?.args(["lab", "--quiet"]))
}

/// Returns a cargo in `folder`, which compiles Rust's library if it has none for Windows.
fn cargo(folder: &Path) -> Result<Command> {
    let mut cargo = program::cargo();
    cargo.current_dir(folder);
    if !Toolchain::of_rustc()?.has_compiled_library(Target::Windows) {
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_UNSTABLE_BUILD_STD", "core,alloc");
    }
    Ok(cargo)
}

/// Moves a file, unless the same text is there: cargo goes by a file's time.
fn take_over(from: &Path, to: &Path) -> Result<()> {
    let text = fs::read(from)?;
    if fs::read(to).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(to, text)?)
}
