//! The last command, in a file that survives restarts and crashes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ringcopy_guest_protocol::{Command, Last, Outcome, State};
use serde::{Deserialize, Serialize};

use crate::{machine::Failure, program::durable_file};

/// The name of the file.
const FILE: &str = "ringcopy-guest.json";

/// The last command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    pub(super) number: u32,
    pub(super) command: Command,
    /// How it ended; `None` if it has not.
    pub(super) outcome: Option<Outcome>,
    /// How often the guest was started since the command began, the first time counted.
    pub(super) starts: u32,
}

impl Saved {
    pub(super) const fn new(number: u32, command: Command) -> Self {
        Self {
            number,
            command,
            outcome: None,
            starts: 1,
        }
    }

    /// Reads what an earlier process has saved, if there is anything.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = path(folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure(format!("cannot read {}: {error}", path.display())));
            }
        };
        serde_json::from_slice(&text).map(Some).map_err(|_| {
            Failure(format!(
                "{} is not a file that this program wrote; delete it, and begin again.",
                path.display()
            ))
        })
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), Failure> {
        let path = path(folder);
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        durable_file::write(&path, &text)
            .map_err(|error| Failure(format!("cannot write {}: {error}", path.display())))
    }

    /// Returns it as the host is told of it.
    pub(super) fn last(&self) -> Last {
        Last {
            number: self.number,
            command: self.command,
            state: self.outcome.map_or(State::Running, State::Ended),
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
