//! The report of a test: a JSON document, and a summary as text.

use serde_json::{Value, json};

use super::{
    Ended, Exercise, Options, STATISTICS,
    progress::{self, Progress},
    verifier::{self, as_typed},
};
use crate::machine::Failure;

/// The name of the report.
const REPORT: &str = "ringcopy-vm-test.json";

/// The name of the summary.
const SUMMARY: &str = "ringcopy-vm-test.txt";

/// Writes the report and its summary.
pub(super) fn conclude(
    progress: &Progress,
    exercise: &mut dyn Exercise,
    options: &Options,
    complete: bool,
) -> Result<Ended, Failure> {
    let clean = progress
        .rounds
        .iter()
        .all(|round| round.findings.is_empty());
    let passed = complete && clean;
    let report = options.folder.join(REPORT);
    let document = json!({
        "client": progress.client,
        "windows": progress.windows,
        "complete": complete,
        "passed": passed,
        "rounds": progress.rounds,
    });
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    progress::write(&report, &text)?;
    let summary = summary(progress, complete, passed);
    progress::write(&options.folder.join(SUMMARY), &summary)?;
    Progress::remove(&options.folder);
    for line in summary.lines() {
        exercise.say(line);
    }
    Ok(Ended::Done { passed, report })
}

fn summary(progress: &Progress, complete: bool, passed: bool) -> String {
    let mut lines = vec![format!(
        "ringcopy {} under Driver Verifier, on Windows build {}: {}",
        progress.client,
        progress.windows[2],
        match (complete, passed) {
            (false, _) => "given up",
            (true, true) => "nothing found",
            (true, false) => "FAILED",
        }
    )];
    for round in &progress.rounds {
        lines.push(format!(
            "round \"{}\": verifier {}",
            round.name,
            as_typed(&round.verifier)
        ));
        for (step, result) in &round.steps {
            let state = ["failed", "skipped", "short_of_memory"]
                .into_iter()
                .find_map(|key| Some(format!("{key}: {}", result.get(key)?.as_str()?)))
                .unwrap_or_else(|| {
                    if result["ended"] == false {
                        "did not end".into()
                    } else {
                        "done".into()
                    }
                });
            lines.push(format!("  {step:<16} {state}"));
        }
        lines.extend(
            round
                .findings
                .iter()
                .map(|finding| format!("  FOUND: {finding}")),
        );
    }
    for round in &progress.rounds {
        let text = round.steps.get(STATISTICS).map(|result| &result["text"]);
        let Some(text) = text.and_then(Value::as_str) else {
            continue;
        };
        lines.push(format!("Verifier's counters in round \"{}\":", round.name));
        let counters = verifier::counters(text);
        lines.extend(counters.into_iter().map(|line| format!("  {line}")));
    }
    lines.push("Driver Verifier is off after the next restart.".into());
    lines.push(String::new());
    lines.join("\n")
}
