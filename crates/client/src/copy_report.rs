//! How a copy ended.

use ringcopy_protocol::{CopyResult, NtStatus};

use crate::{Operation, Source};

/// A copy that was asked for, and its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyReport {
    /// What was asked for.
    pub operation: Operation,
    /// Bytes asked for.
    pub asked: u64,
    /// What was read, where the request can name more than the caller's own memory.
    pub source: Option<Source>,
    /// How the copy ended. Its fields are valid, and it has no more bytes than were asked for.
    pub result: CopyResult,
}

impl CopyReport {
    /// Returns the report of an operation of this length that ended before a byte was copied.
    pub(crate) const fn ended(operation: Operation, status: NtStatus, asked: u64) -> Self {
        Self {
            operation,
            asked,
            source: None,
            result: CopyResult::of(status),
        }
    }

    /// Returns whether every byte arrived.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.result.status() == NtStatus::SUCCESS && self.result.copied == self.asked
    }
}
