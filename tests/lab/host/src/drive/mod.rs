//! Loads any driver, sends it requests as a program of user mode does, unloads it, and says what was
//! wrong with it.
//!
//! - `image`: the file, before it is loaded.
//! - `step`: what is asked of the driver.
//! - `symbols`: the names of functions, from a PDB or map beside the image.
//! - `verdict`: what was wrong.
//! - `report`: all that as text and as JSON.

mod image;
mod report;
mod run;
mod step;
mod symbols;
mod verdict;

use std::{path::PathBuf, time::Duration};

use nt_status::NtStatus;

pub use run::drive;
pub use step::{Access, Bytes, ParseError, Part, Pnp, Step, parse_script, parse_step};
pub use verdict::{Crash, Verdict};

use crate::Options;

/// What to do with a driver.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How the lab starts; its last image is the driver.
    pub options: Options,
    /// What is asked of the driver.
    pub steps: Vec<Step>,
    /// The token of the process that asks: bits of [`token`](crate::token).
    pub token: u64,
}

impl Plan {
    /// Returns the driver's file.
    fn driver(&self) -> PathBuf {
        self.options.images.last().cloned().unwrap_or_default()
    }
}

/// What one step came to.
#[derive(Clone, Debug)]
pub struct Done {
    /// The step, as it was asked for.
    pub step: String,
    /// The status of the request.
    pub status: NtStatus,
    /// The status block's information.
    pub information: u64,
    /// The bytes that came back.
    pub output: Vec<u8>,
}

/// What became of a driver.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The driver's file.
    pub driver: PathBuf,
    /// What Windows may not like about the file, though the lab loads it.
    pub notes: Vec<String>,
    /// The status with which the driver started, if it returned: of the entry point, or of what failed
    /// after it.
    pub entry: Option<NtStatus>,
    /// The steps that were carried out.
    pub steps: Vec<Done>,
    /// What was wrong; nothing if this is empty.
    pub verdicts: Vec<Verdict>,
    /// The log: what the driver printed, and what the lab said.
    pub log: Vec<String>,
}

/// How long the driver may take for one step.
pub const PATIENCE: Duration = Duration::from_mins(1);
