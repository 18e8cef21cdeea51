//! Proves a driver from its caller's side, case by case.
//!
//! [`CASES`] says what is asked and what has to come of it; [`run`] arranges the memory, asks, and
//! looks at every byte that was to arrive and at every byte that was not. Cases that this handle
//! may not have are expected to be refused; cases that need a fact about the machine which the
//! transport does not know are skipped, by name and with the reason.

mod arrange;
mod batch;
mod bench;
mod case;
mod check;
mod table;

use std::fmt;

use ringcopy_protocol::{Direction, EngineKind, NtStatus};

use crate::{Error, Operation, Transfer, Transport};

pub use case::{Action, Case, Expected, Fault, Group, Origin, Part, Physical, Place};
pub use table::CASES;

/// What the driver said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, of the copy or of the whole request.
    pub status: NtStatus,
    /// Bytes asked for.
    pub asked: u64,
    /// Bytes copied.
    pub copied: u64,
    /// The address that stopped the copy.
    pub address: Option<u64>,
    /// Which access stopped it.
    pub direction: Direction,
    /// Who copied.
    pub engine: EngineKind,
    /// Whether the system's engine went on where the native one could not.
    pub fell_back: bool,
}

impl From<Transfer> for Answer {
    fn from(transfer: Transfer) -> Self {
        Self {
            status: transfer.status,
            asked: transfer.asked,
            copied: transfer.copied,
            address: transfer.address,
            direction: transfer.direction,
            engine: transfer.engine,
            fell_back: transfer.fell_back,
        }
    }
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All as expected.
    Passed,
    /// Not as expected: what was wrong.
    Failed(String),
    /// Not run: what is missing.
    Skipped(String),
}

/// One case that was run, by one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which case.
    pub case: &'static Case,
    /// Who was asked to copy, where the request can say.
    pub engine: Option<EngineKind>,
    /// What the driver said; `None` if it was not asked, or gave no answer to be believed.
    pub answer: Option<Answer>,
    /// What to make of it.
    pub verdict: Verdict,
}

impl Outcome {
    /// The request that the case makes.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        Operation::Request(self.case.action.operation())
    }
}

/// Everything that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order of [`CASES`].
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// How many passed, failed and were skipped.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for outcome in &self.outcomes {
            match outcome.verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed(_) => counts.failed += 1,
                Verdict::Skipped(_) => counts.skipped += 1,
            }
        }
        counts
    }
}

/// How a self-test went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Outcomes as expected.
    pub passed: usize,
    /// Outcomes not as expected.
    pub failed: usize,
    /// Cases that could not be run.
    pub skipped: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Runs every case.
///
/// # Errors
/// Only if the driver cannot be opened or asked, or its transport fails; a case that goes wrong is
/// an outcome.
pub fn run<T: Transport + ?Sized>(transport: &mut T) -> Result<Report, Error> {
    bench::run(transport)
}
