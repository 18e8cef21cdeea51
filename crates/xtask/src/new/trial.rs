//! The trial of `cargo xtask new` in `cargo xtask test`: a project is made, linted, built and run in the lab.

use super::{FILES, Name, Source, make};
use crate::{cargo, paths, program, test::lint_workflows, toolchain::Target};
use anyhow::Result;
use fs_err as fs;

const NAME: &str = "driver-of-ones-own";

/// Makes a project in a temporary folder, and tries it in a folder that keeps what was built.
pub fn run() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let made = scratch.path().join(NAME);
    make(&Name::new(NAME)?, &Source::Clone(paths::root()), &made)?;
    lint_workflows(&made, &[made.join(".github/workflows/driver.yml")])?;

    let folder = paths::target().join("new").join(NAME);
    for (path, _) in FILES {
        cargo::write_source(&folder.join(path), &fs::read(made.join(path))?)?;
    }
    for manifest in ["Cargo.toml", "lab-test/Cargo.toml"] {
        let mut format = cargo::of_a_project(&folder)?;
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
        let mut clippy = cargo::of_a_project(&folder)?;
        clippy.args(["clippy", "--quiet"]).args(*arguments);
        program::run_here(clippy.args(["--", "--deny", "warnings"]))?;
    }
    program::run_here(cargo::of_a_project(&folder)?.args(["lab", "--quiet"]))
}
