//! How far a test is, in a file that outlives restarts and crashes of the machine.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::Failure;

/// Where it is written, in the report's folder.
const FILE: &str = "ringcopy-vm-test.progress.json";

/// Of this file's form.
const VERSION: u32 = 1;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Verifier has to be set up for the round.
    Settings,
    /// The machine has to be restarted.
    Restart,
    /// The driver has to be exercised.
    Exercise,
}

/// One round, as far as it got.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RoundReport {
    pub(super) name: String,
    pub(super) verifier: Vec<String>,
    /// What Verifier said of its settings after the restart.
    pub(super) settings: String,
    /// Each step's outcome, by its name.
    pub(super) steps: serde_json::Map<String, Value>,
    /// What is wrong.
    pub(super) findings: Vec<String>,
}

/// All that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    version: u32,
    pub(super) client: String,
    pub(super) windows: [u32; 3],
    pub(super) round: usize,
    pub(super) stage: Stage,
    /// The step that is under way: whoever reads this in a new process knows that it did not end.
    pub(super) running: Option<String>,
    /// Whether Verifier may be on.
    pub(super) verifier_set: bool,
    pub(super) rounds: Vec<RoundReport>,
}

impl Progress {
    pub(super) fn new(windows: [u32; 3]) -> Self {
        Self {
            version: VERSION,
            client: env!("CARGO_PKG_VERSION").into(),
            windows,
            round: 0,
            stage: Stage::Settings,
            running: None,
            verifier_set: false,
            rounds: Vec::new(),
        }
    }

    /// What an earlier process has written, if one has.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = path(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        let unreadable = || {
            Failure(format!(
                "{} is not what this program has written; run `verifier /reset`, delete the file, \
                 and begin again.",
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

    /// Writes it, whole or not at all.
    pub(super) fn save(&self, folder: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        write(&path(folder), &text).map_err(|failure| {
            if self.verifier_set {
                Failure(format!(
                    "{failure} Driver Verifier is set up for the driver: `verifier /reset` and a \
                     restart turn it off."
                ))
            } else {
                failure
            }
        })
    }

    /// Once the report is there, nobody needs it.
    pub(super) fn forget(folder: &Path) {
        // If it stays, the next test says so.
        drop(fs::remove_file(path(folder)));
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Writes a file, whole or not at all, so that it outlives a crash that follows at once.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let beside = path.with_extension("part");
    put(&beside, path, text).map_err(|error| {
        drop(fs::remove_file(&beside));
        cannot("write", path, &error)
    })
}

/// A bug check loses what is in the cache alone, a name like contents: Windows writes both when the
/// file is flushed. Source: "File Caching", Windows desktop documentation.
fn put(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    file.sync_all()
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure(format!(
        "cannot {what} {}: {error}; name another folder with --folder.",
        path.display()
    ))
}
