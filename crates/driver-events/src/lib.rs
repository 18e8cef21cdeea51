//! The events of drivers: `TraceLogging`, whose events describe themselves.
//!
//! [`Raw`] is an event as Event Tracing for Windows delivers it: what describes the provider, what
//! describes the event, and the values. [`Raw::decode`] makes an [`Event`] of it. The lab and the KMDF
//! stand-in print events as lines of their logs, which [`Raw::of_line`] reads.

#![forbid(unsafe_code)]

mod decode;
mod line;

pub use decode::Malformed;

use std::fmt;

use nt_status::NtStatus;

/// The most verbose level: `TRACE_LEVEL_VERBOSE`.
pub const VERBOSE: u8 = 5;

/// An event as it is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// The provider's identifier.
    pub provider: u128,
    /// `TRACE_LEVEL_…`.
    pub level: u8,
    /// What describes the provider: `EVENT_HEADER_EXT_TYPE_PROV_TRAITS`.
    pub provider_metadata: Vec<u8>,
    /// What describes the event: `EVENT_HEADER_EXT_TYPE_EVENT_SCHEMA_TL`.
    pub event_metadata: Vec<u8>,
    /// The values of its fields, one after the other.
    pub data: Vec<u8>,
}

/// A decoded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The provider's name.
    pub provider: String,
    /// The event's name.
    pub name: String,
    /// `TRACE_LEVEL_…`.
    pub level: u8,
    /// Its fields, in their order.
    pub fields: Vec<(String, Value)>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number that is printed in decimal.
    Number(u64),
    /// A number that is printed in hexadecimal.
    Hex(u64),
    /// A truth value.
    Boolean(bool),
    /// An NTSTATUS.
    Status(NtStatus),
    /// A text.
    Text(String),
}

impl Event {
    /// Returns the value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<11} {}", level_name(self.level), self.name)?;
        self.fields
            .iter()
            .try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => value.fmt(f),
            Self::Hex(value) => write!(f, "{value:#x}"),
            Self::Boolean(value) => value.fmt(f),
            Self::Status(status) => status.fmt(f),
            // A text of a log that someone made may hold what moves a terminal's cursor.
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Returns the name of a level. Source: "`EVENT_DESCRIPTOR` structure", Windows documentation.
#[must_use]
pub const fn level_name(level: u8) -> &'static str {
    match level {
        1 => "critical",
        2 => "error",
        3 => "warning",
        4 => "information",
        VERBOSE => "verbose",
        _ => "other level",
    }
}
