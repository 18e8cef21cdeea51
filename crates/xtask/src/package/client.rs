//! `ringcopy.exe`: the client as one Windows program that needs no other file.

use crate::{program, setup, step::Step, windows_programs};
use anyhow::Result;
use std::path::PathBuf;

/// Builds the client. Returns its path.
pub fn build() -> Result<PathBuf> {
    setup::for_windows_programs()?;
    let step = Step::start("building ringcopy.exe");
    program::run(
        &step,
        windows_programs::cargo("build", windows_programs::PROFILE)?.args([
            "--package",
            "ringcopy-client",
            "--bin",
            "ringcopy",
        ]),
    )?;
    step.done();
    Ok(windows_programs::built("ringcopy.exe"))
}
