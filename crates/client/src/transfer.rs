//! How a copy ended.

use ringcopy_protocol::{Direction, EngineKind, NtStatus};

use crate::{Operation, Source};

/// How a copy that the driver understood ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What was asked for.
    pub operation: Operation,
    /// The status of the copy.
    pub status: NtStatus,
    /// Bytes asked for.
    pub asked: u64,
    /// Bytes that arrived, from the first on without a gap; at most `asked`.
    pub copied: u64,
    /// The address that stopped the copy: all ones for a non-canonical one.
    pub address: Option<u64>,
    /// Which access stopped it.
    pub direction: Direction,
    /// The engine that copied; [`EngineKind::Auto`] if none was needed.
    pub engine: EngineKind,
    /// Whether the native engine met a page that is not resident, and the system's engine continued.
    pub fell_back: bool,
    /// The least number of bytes of the source, from the first that did not arrive on, that could
    /// not be read either; 0 where the driver cannot tell.
    pub hole_length: u64,
    /// What was read, where the request can name more than the caller's own memory.
    pub source: Option<Source>,
}

impl Transfer {
    /// Returns the result of an operation of this length that ended before a byte was copied.
    pub(crate) const fn ended(operation: Operation, status: NtStatus, asked: u64) -> Self {
        Self {
            operation,
            status,
            asked,
            copied: 0,
            address: None,
            direction: Direction::None,
            engine: EngineKind::Auto,
            fell_back: false,
            hole_length: 0,
            source: None,
        }
    }

    /// Returns whether every byte arrived.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.status == NtStatus::SUCCESS && self.copied == self.asked
    }
}
