//! The errors of a lab.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use nt_status::NtStatus;
use ringcopy_lab_mailbox::Command;
use ringcopy_transport::{RequestError, TransportError};

/// An error of a lab.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum LabError {
    /// QEMU is missing.
    #[error(
        "cannot start {program}: {error}; install QEMU (on Debian: apt install qemu-system-x86)"
    )]
    NoQemu {
        program: String,
        #[source]
        error: io::Error,
    },
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    /// A file cannot be put into the lab's archive.
    #[error("{}: {reason}", path.display())]
    Image { path: PathBuf, reason: &'static str },
    /// QEMU could not run the virtual machine.
    #[error("QEMU failed ({reason}); {}", said(log))]
    QemuFailed { reason: String, log: String },
    /// The lab was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The virtual machine ended.
    #[error("the lab stopped ({reason}); {}", said(log))]
    Stopped { reason: String, log: String },
    /// The virtual machine runs and does not reply.
    #[error("the lab did not reply for {} s; {}", waited.as_secs(), said(log))]
    Silent { waited: Duration, log: String },
    /// The driver's entry point failed.
    #[error("the driver did not load: {status}; {}", said(log))]
    DriverEntry { status: NtStatus, log: String },
    /// The lab refused a command.
    #[error("the lab refused {command:?} with {status}")]
    Refused { command: Command, status: NtStatus },
    /// The lab does not count instructions.
    #[error("the lab counts no instructions: start it with the option counted")]
    NotCounted,
    /// The channel to the lab's memory failed.
    #[error("the lab's memory cannot be reached: {0}")]
    Memory(#[from] io::Error),
}

/// The last lines of a log, as the end of a sentence.
fn said(log: &str) -> String {
    if log.is_empty() {
        "it said nothing".into()
    } else {
        format!("it said last:\n{log}")
    }
}

impl LabError {
    /// Makes an error of a file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |error| Self::File { path, error }
    }
}

impl From<LabError> for TransportError {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Interrupted => Self::Interrupted,
            LabError::NoQemu { .. }
            | LabError::QemuFailed { .. }
            | LabError::File { .. }
            | LabError::Image { .. }
            | LabError::DriverEntry { .. } => Self::Unavailable(error.to_string()),
            _ => Self::Lost(error.to_string()),
        }
    }
}

impl From<LabError> for RequestError {
    fn from(error: LabError) -> Self {
        Self::Transport(error.into())
    }
}
