//! Tests a driver from its caller's side, case by case.
//!
//! [`CASES`] has the requests and their expected results. [`run`] prepares the memory, sends the
//! requests, and checks every byte: those that had to arrive, and those that had to stay. Requests
//! out of this handle's reach are expected to be refused. Cases that need a fact about the machine
//! which the transport does not know are skipped, with the reason.

mod arrange;
mod batch;
mod bench;
mod case;
mod check;
mod table;

use std::fmt;

use ringcopy_protocol::EngineKind;

use crate::{CopyReport, Error, Operation, Transport};

pub use case::{Case, Group};
pub use table::CASES;

/// Whether a case passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was as expected.
    Passed,
    /// Something was wrong: the text says what.
    Failed(String),
    /// It was not run: the text says why.
    Skipped(String),
}

/// The result of one case with one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The case.
    pub case: &'static Case,
    /// The engine asked for, where the request can name one.
    pub engine: Option<EngineKind>,
    /// How the copy ended; `None` if the case was not run, or had no valid response.
    pub report: Option<CopyReport>,
    /// Whether the case passed.
    pub verdict: Verdict,
}

impl CaseResult {
    /// Returns the request of the case.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        Operation::Request(self.case.action.operation())
    }
}

/// The results of all cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order of [`CASES`].
    pub results: Vec<CaseResult>,
}

impl Report {
    /// Returns how many cases passed, failed and were skipped.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for result in &self.results {
            match result.verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed(_) => counts.failed += 1,
                Verdict::Skipped(_) => counts.skipped += 1,
            }
        }
        counts
    }
}

/// The numbers of a self-test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed.
    pub failed: usize,
    /// Cases that were skipped.
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
/// If the device cannot be opened, or the transport fails. A case that fails is not an error.
pub fn run<T: Transport + ?Sized>(transport: &mut T) -> Result<Report, Error> {
    bench::run(transport)
}
