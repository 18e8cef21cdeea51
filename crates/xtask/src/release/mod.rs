//! The project's tasks on another release of Debian, or on Ubuntu: in a root file system that
//! debootstrap makes, under this machine's kernel.

mod options;
mod root;

pub use options::Options;

use crate::setup;
use anyhow::Result;
use root::Root;
use std::process::ExitCode;

/// Runs the tasks, and stops at the first that fails. Returns its exit code.
pub fn run(options: &Options) -> Result<ExitCode> {
    setup::packages(&[setup::RELEASES])?;
    let root = Root::prepare(options)?;
    let tasks: &[&[String]] = match options.task.as_slice() {
        [] => &[&["demo".to_owned()], &["test".to_owned()]],
        task => &[task],
    };
    for task in tasks {
        eprintln!(
            "{}: cargo xtask {}",
            options.release.codename(),
            task.join(" ")
        );
        let code = root.run(task)?;
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    }
    Ok(ExitCode::SUCCESS)
}
