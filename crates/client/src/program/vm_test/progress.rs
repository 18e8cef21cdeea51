//! The progress of a test, in a file that survives restarts and crashes of the machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, foreign_memory::SavedPolicy};
use crate::{machine::Failure, program::durable_file};

/// The name of the file, in the folder of the report.
const FILE: &str = "ringcopy-vm-test.progress.json";

/// The version of the file's format.
const VERSION: u32 = 2;

/// The next stage of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Set Verifier up for the round.
    Settings,
    /// Wait for a restart of the machine.
    Restart,
    /// Exercise the driver.
    Exercise,
}

/// One round, as far as it is done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RoundReport {
    pub(super) name: String,
    /// The settings that Verifier was given, as they are typed.
    pub(super) verifier: Vec<String>,
    /// Verifier's settings after the restart, or its state after they were given, as it printed them.
    pub(super) settings: String,
    /// The checks of the standard settings that are not on.
    pub(super) not_on: Vec<String>,
    /// The settings that Verifier refused, as they are typed.
    pub(super) refused: Vec<String>,
    /// Why Verifier may stay on after the round.
    pub(super) left_on: Vec<String>,
    /// The result of each step, by the step's name.
    pub(super) steps: serde_json::Map<String, Value>,
    /// The defects.
    pub(super) findings: Vec<String>,
}

/// The progress of a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    version: u32,
    pub(super) client: String,
    pub(super) windows: [u32; 3],
    pub(super) round: usize,
    pub(super) stage: Stage,
    pub(super) kind: Kind,
    /// The step that has begun. A new process that reads this knows that the step did not end.
    pub(super) running: Option<String>,
    /// What the step is at, if it has pieces.
    pub(super) trying: Option<String>,
    /// Whether Verifier may be on.
    pub(super) verifier_set: bool,
    /// The policy to write back, if the test may have changed it.
    pub(super) policy: Option<SavedPolicy>,
    pub(super) rounds: Vec<RoundReport>,
}

impl Progress {
    pub(super) fn new(windows: [u32; 3], kind: Kind) -> Self {
        Self {
            version: VERSION,
            client: env!("CARGO_PKG_VERSION").into(),
            windows,
            round: 0,
            stage: Stage::Settings,
            kind,
            running: None,
            trying: None,
            verifier_set: false,
            policy: None,
            rounds: Vec::new(),
        }
    }

    /// Reads what an earlier process has saved, if there is anything.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = path(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        let unreadable = || {
            Failure(format!(
                "{} is not a file that this program wrote; run `verifier /reset`, delete the file, and \
                 begin again.",
                path.display()
            ))
        };
        let progress: Self = serde_json::from_str(&text).map_err(|_| unreadable())?;
        if progress.version == VERSION {
            Ok(Some(progress))
        } else {
            Err(unreadable())
        }
    }

    /// Saves the progress, atomically.
    pub(super) fn save(&self, folder: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        write(&path(folder), &text).map_err(|failure| {
            if self.verifier_set && !self.kind.no_restart {
                Failure(format!(
                    "{failure} Driver Verifier is set up for the driver: `verifier /reset` and a \
                     restart turn it off."
                ))
            } else {
                failure
            }
        })
    }

    /// Deletes the file, which is not needed after the report.
    pub(super) fn remove(folder: &Path) {
        // If it cannot be deleted, the next test reports it.
        drop(fs::remove_file(path(folder)));
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Writes a file of the test.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    durable_file::write(path, text).map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure(format!(
        "cannot {what} {}: {error}; name another folder with --folder.",
        path.display()
    ))
}
