//! What a client can ask for.

use ringcopy_protocol::RequestKind;
use std::fmt;

/// An operation on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Opens the device.
    Open,
    /// Sends a request.
    Request(RequestKind),
}

impl Operation {
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
