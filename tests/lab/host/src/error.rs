//! What can go wrong with a lab.

use std::{io, path::PathBuf, time::Duration};

use ringcopy_client::{RequestError, TransportError, protocol::NtStatus};
use ringcopy_lab_mailbox::Command;

/// The lab did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// There is no QEMU.
    #[error(
        "cannot start {program}: {error}; install QEMU (on Debian: apt install qemu-system-x86)"
    )]
    NoQemu {
        /// What was to be started.
        program: String,
        /// Why it was not.
        #[source]
        error: io::Error,
    },
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A file cannot go into the lab's archive.
    #[error("{}: {reason}", path.display())]
    Image {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// QEMU could not run the virtual machine.
    #[error("QEMU failed ({reason}); {}", said(log))]
    QemuFailed {
        /// What it exited with.
        reason: String,
        /// The last lines of the log, QEMU's own among them.
        log: String,
    },
    /// The user, or somebody else outside, does not want it to go on.
    #[error("interrupted")]
    Interrupted,
    /// The virtual machine came to an end.
    #[error("the lab stopped ({reason}); {}", said(log))]
    Stopped {
        /// The bugcheck, or what QEMU said and exited with.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// The virtual machine runs, and does not answer.
    #[error("the lab did not answer for {} s; {}", waited.as_secs(), said(log))]
    Silent {
        /// How long it was waited for.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// The driver's entry point failed.
    #[error("the driver did not load: {status}; {}", said(log))]
    DriverEntry {
        /// What it returned.
        status: NtStatus,
        /// The last lines of the log.
        log: String,
    },
    /// The lab refused a command.
    #[error("the lab refused {command:?} with {status}")]
    Refused {
        /// Which.
        command: Command,
        /// The status.
        status: NtStatus,
    },
    /// Nobody counts instructions.
    #[error("the lab counts no instructions: start it with the option icount")]
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
