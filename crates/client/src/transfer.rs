//! What came of a request.

use ringcopy_protocol::{Direction, EngineKind, NtStatus, PROTOCOL_VERSION, Reach, RequestKind};
use std::fmt;

use crate::{RequestError, Source, TransportError};

/// What a client can ask the driver for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// To open the device.
    Open,
    /// To serve a request.
    Request(RequestKind),
}

impl Operation {
    /// Returns every operation.
    pub fn all() -> impl Iterator<Item = Self> {
        let requests = RequestKind::ALL.iter().copied().map(Self::Request);
        [Self::Open].into_iter().chain(requests)
    }

    /// Returns the name in listings and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Request(kind) => kind.name(),
        }
    }
}

impl From<RequestKind> for Operation {
    fn from(kind: RequestKind) -> Self {
        Self::Request(kind)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What became of a copy that the driver understood.
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
    /// Who copied; [`EngineKind::Auto`] where no engine was needed.
    pub engine: EngineKind,
    /// Whether the native engine met a page that is not resident, and the system's went on.
    pub fell_back: bool,
    /// At least so many bytes of the source, from the first that did not arrive on, could not be
    /// read either; 0 where the driver cannot tell.
    pub hole_length: u64,
    /// What was read, where the request can name more than the caller's own memory.
    pub source: Option<Source>,
}

/// What the driver is, and what this handle may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Information {
    /// Major, minor, patch.
    pub driver_version: [u32; 3],
    /// What the administrator allows.
    pub policy: Reach,
    /// What this handle may reach.
    pub reach: Reach,
    /// Whether the native engine may be used, and if not, why.
    pub native_status: NtStatus,
    /// Levels of page tables.
    pub paging_levels: u32,
    /// Whether supervisor-mode access prevention is on.
    pub smap: bool,
    /// The session buffer's system address.
    pub session_address: u64,
    /// The session buffer's physical address.
    pub session_physical_address: u64,
    /// Bytes in the session buffer.
    pub session_length: u64,
    /// The first address that is not the user's.
    pub user_limit: u64,
    /// The most bytes that one request may copy.
    pub maximum_length: u64,
    /// Bytes in the uncached page.
    pub device_page_length: u32,
    /// Whether the request came in kernel mode.
    pub kernel_mode: bool,
    /// The most entries that one batch or scatter request may have.
    pub maximum_entries: u32,
    /// Bits in a physical address.
    pub physical_address_bits: u32,
}

/// An answer that breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Fewer bytes than a response has, or more than there was room for.
    #[error("{returned} bytes returned where {least} to {most} were due")]
    Length {
        /// What the driver claims to have written.
        returned: usize,
        /// The least it had to.
        least: usize,
        /// The most it could.
        most: usize,
    },
    /// Another version of the protocol.
    #[error("protocol version {0}, not {PROTOCOL_VERSION}")]
    Version(u32),
    /// The response says that it has another size.
    #[error("a response of {0} bytes, not {1}")]
    Size(u32, usize),
    /// A field holds what it cannot.
    #[error("{0} cannot be {1:#x}")]
    Field(&'static str, u64),
    /// Bytes of a batch changed that were not copied, in the slot of this piece of a request.
    #[error("bytes changed behind the copied ones of piece {0}")]
    Behind(usize),
}

/// A request did not do what it was asked to, for a reason other than the copy itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver could not be reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The driver, or the I/O manager before it, refused the request.
    #[error("{operation} was refused with {status}")]
    Refused {
        /// What was asked for.
        operation: Operation,
        /// The status.
        status: NtStatus,
    },
    /// The driver's answer makes no sense.
    #[error("the driver's answer to {operation} makes no sense: {reason}")]
    Response {
        /// What was asked for.
        operation: Operation,
        /// What is wrong with the answer.
        reason: ResponseError,
    },
}

impl Error {
    pub(crate) fn of(operation: Operation) -> impl Fn(RequestError) -> Self {
        move |error| match error {
            RequestError::Transport(error) => Self::Transport(error),
            RequestError::Status(status) => Self::Refused { operation, status },
        }
    }
}

impl Transfer {
    /// Whether every byte arrived.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.status == NtStatus::SUCCESS && self.copied == self.asked
    }
}
