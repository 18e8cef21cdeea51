//! What can stop a task, said so that the reader knows what to do.

use crate::package;
use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is missing that no task can get.
    #[error("{what}; run: {command}")]
    Missing { what: String, command: String },

    /// A program ran and failed.
    #[error("{program} failed:\n{output}")]
    Failed { program: String, output: String },

    /// A program ran on the terminal and failed there.
    #[error("{program} failed, as it says above")]
    FailedHere { program: String },

    /// A mutant whose piece of source has moved on.
    #[error(
        "the mutant \"{name}\" does not fit {file} any more; adapt it in crates/xtask/src/test/mutants.rs"
    )]
    MutantStale {
        name: &'static str,
        file: &'static str,
    },

    /// No mutant has such a name.
    #[error("no mutant's name contains these words; crates/xtask/src/test/mutants/ has them all")]
    NoSuchMutant,

    /// A mutant that no test noticed.
    #[error("the mutant \"{name}\" went unnoticed: {caught_by} did not fail")]
    MutantUnnoticed {
        name: &'static str,
        caught_by: &'static str,
    },

    /// A benchmark's record is not what it should be.
    #[error("{}: {reason}", path.display())]
    Record { path: PathBuf, reason: String },

    /// A plot could not be drawn.
    #[error("{}: cannot draw: {reason}", path.display())]
    Plot { path: PathBuf, reason: String },

    /// A program could not be started.
    #[error("cannot run {program}: {source}")]
    NotStarted { program: String, source: io::Error },

    /// A package could not be made.
    #[error(transparent)]
    Package(#[from] package::Problem),

    /// A file could not be used.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
}

impl Error {
    /// For `map_err` after an operation on `path`.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}
