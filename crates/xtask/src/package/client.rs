//! `ringcopy.exe`: the client as one Windows program that needs nothing beside it.

use crate::{error::Error, program, setup, step::Step, windows_programs};
use std::path::PathBuf;

/// Builds it.
///
/// # Errors
///
/// What is missing, or what the compiler said.
pub fn build() -> Result<PathBuf, Error> {
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
