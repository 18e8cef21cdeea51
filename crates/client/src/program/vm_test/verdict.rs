//! Decides what is a defect, and what is expected while allocations fail on purpose.

use serde_json::{Value, json};

use super::{Test, rounds::Round};

/// Disagreements that are reported one by one.
const LISTED: usize = 20;

impl Test<'_> {
    /// Finds the failed operations in a command's document.
    pub(super) fn check_document(
        &mut self,
        round: &Round,
        name: &str,
        document: Value,
    ) -> Result<Value, String> {
        if document["skipped"].is_string() {
            return Ok(json!({ "skipped": document["skipped"] }));
        }
        let is_excused = |part: &Value| round.low_resources && is_short(&part.to_string());
        let (mut failed, mut excused) = (0, 0);
        for operation in document["operations"].as_array().into_iter().flatten() {
            if operation["passed"].as_bool().unwrap_or(true) {
                continue;
            }
            if is_excused(operation) {
                excused += 1;
                continue;
            }
            failed += 1;
            self.find(format!(
                "{name}: {}: {}",
                operation["case"].as_str().unwrap_or("?"),
                operation["reason"].as_str().unwrap_or("?")
            ));
        }
        for disagreement in document["disagreed_at"].as_array().into_iter().flatten() {
            if is_excused(disagreement) {
                excused += 1;
                continue;
            }
            failed += 1;
            if failed <= LISTED {
                self.find(format!("{name}: the engines disagree: {disagreement}"));
            }
        }
        if failed > LISTED {
            self.find(format!("{name}: {failed} in all; the report has the rest"));
        }
        if document["denied"].as_u64().unwrap_or(0) > 0 {
            failed += 1;
            self.find(format!(
                "{name}: {} pieces were out of reach",
                document["denied"]
            ));
        }
        if let Some(error) = document["error"].as_str() {
            return Err(error.into());
        }
        if document["succeeded"] == json!(false) && failed + excused == 0 {
            self.find(format!("{name}: it did not succeed"));
        }
        Ok(document)
    }
}

/// Returns whether a text says that memory was short.
pub(super) fn is_short(text: &str) -> bool {
    [
        "STATUS_INSUFFICIENT_RESOURCES",
        "STATUS_NO_MEMORY",
        "STATUS_COMMITMENT_LIMIT",
        "(error 1450)",
        "(error 1455)",
        "(error 8)",
        "(error 14)",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}
