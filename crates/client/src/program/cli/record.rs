//! The document that `--json` prints.

use ringcopy_protocol::{Direction, EngineKind, NtStatus};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{CopyReport, Error, Operation, explain_copy};

/// The one document that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    command: &'static str,
    pub(super) succeeded: bool,
    operations: Vec<Record>,
    pub(super) error: Option<String>,
    #[serde(flatten)]
    details: Map<String, Value>,
}

/// One operation and its result.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    operation: &'static str,
    /// Absent if there was no valid response.
    status: Option<String>,
    asked: u64,
    copied: u64,
    address: Option<String>,
    direction: Option<&'static str>,
    engine: Option<&'static str>,
    fell_back: bool,
    explanation: Option<String>,
    #[serde(flatten)]
    details: Map<String, Value>,
}

impl Document {
    pub(super) fn new(command: &'static str) -> Self {
        Self {
            command,
            succeeded: true,
            operations: Vec::new(),
            error: None,
            details: Map::new(),
        }
    }

    /// Adds an operation.
    pub(super) fn record(&mut self, record: Record) {
        self.operations.push(record);
    }

    /// Notes that something failed.
    pub(super) const fn fault(&mut self) {
        self.succeeded = false;
    }

    /// Ends the command with a sentence.
    pub(super) fn stop(&mut self, sentence: String) {
        self.fault();
        self.error = Some(sentence);
    }

    /// Ends the command with a failure of the driver or of its transport.
    pub(super) fn fail(&mut self, error: &Error, sentence: String) {
        if let Error::Refused { operation, status } = error {
            let mut record = Record::plain(*operation, *status);
            record.explanation = Some(sentence.clone());
            self.record(record);
        }
        self.stop(sentence);
    }

    /// Adds a field of the command's own.
    pub(super) fn detail(&mut self, name: &str, value: impl Into<Value>) {
        self.details.insert(name.into(), value.into());
    }
}

impl Record {
    /// Describes a request that copies nothing.
    pub(super) fn plain(operation: impl Into<Operation>, status: NtStatus) -> Self {
        Self::unexplained(&CopyReport::ended(operation.into(), status, 0))
    }

    /// Describes a copy that had no valid response.
    pub(super) fn without_response(operation: Operation, asked: u64) -> Self {
        let copy = CopyReport::ended(operation, NtStatus::UNSUCCESSFUL, asked);
        Self {
            status: None,
            ..Self::unexplained(&copy)
        }
    }

    /// Describes a copy, and why it ended early if it did.
    pub(super) fn of_copy(report: &CopyReport, user_limit: u64) -> Self {
        Self::unexplained(report).explained(explain_copy(report, user_limit))
    }

    /// Replaces the explanation.
    pub(super) fn explained(mut self, explanation: Option<String>) -> Self {
        self.explanation = explanation;
        self
    }

    /// Describes a copy.
    pub(super) fn unexplained(report: &CopyReport) -> Self {
        Self {
            operation: report.operation.name(),
            status: Some(report.result.status().to_string()),
            asked: report.asked,
            copied: report.result.copied,
            address: report.result.stop_address().map(hexadecimal),
            direction: match report.result.direction() {
                Direction::None => None,
                Direction::Read => Some("read"),
                Direction::Write => Some("write"),
            },
            engine: engine_name(report.result.engine()),
            fell_back: report.result.fell_back(),
            explanation: None,
            details: Map::new(),
        }
    }

    /// Adds a field of the command's own.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }
}

/// Returns the name of an engine that copied.
pub(super) const fn engine_name(engine: EngineKind) -> Option<&'static str> {
    match engine {
        EngineKind::Auto => None,
        EngineKind::Native => Some("native"),
        EngineKind::System => Some("system"),
    }
}

/// Returns an address as the document writes it.
pub(super) fn hexadecimal(address: u64) -> String {
    format!("{address:#x}")
}

/// Returns a range as the document writes it.
pub(super) fn range(base: u64, length: u64) -> Value {
    json!({
        "base": hexadecimal(base),
        "end": hexadecimal(base.saturating_add(length)),
        "length": length,
    })
}
