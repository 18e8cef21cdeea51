//! Linters of the workflows in `.github`: `actionlint` for their syntax and expressions, and `zizmor`
//! for their security.
//!
//! actionlint comes from a fork that is published with its program inside the package. The package that
//! is named after the original downloads the program when it is installed.

use super::python_environment::{Environment, Installed};
use crate::program;
use anyhow::Result;

const LINTERS: Environment = Environment {
    folder: "workflow-linters",
    what: "the linters of workflows",
    requirements: include_str!("workflow_linters.txt"),
    is_complete,
};

/// Makes the environment unless it is complete.
pub fn install() -> Result<Installed> {
    LINTERS.install()
}

/// Returns whether both programs run and have the versions of `requirements`.
fn is_complete(installed: &Installed) -> bool {
    ["actionlint", "zizmor"].iter().all(|name| {
        let version = program::output_of(program::named(installed.program(name)).arg("--version"));
        version.is_ok_and(|version| {
            LINTERS
                .requirements
                .lines()
                .filter_map(|line| line.split_once("=="))
                .filter(|(package, _)| package.starts_with(name))
                .any(|(_, pinned)| {
                    let pinned = pinned.trim_end_matches(['\\', ' ']);
                    version.split_whitespace().any(|word| word == pinned)
                })
        })
    })
}
