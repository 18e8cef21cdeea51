//! The report of a test: a JSON document, and a summary as text.

use serde_json::{Value, json};

use super::{
    Ended, Exercise, Options,
    progress::{self, Progress},
    rounds::STATISTICS,
    verifier,
};
use crate::machine::Failure;

/// The name of the report.
const REPORT: &str = "ringcopy-vm-test.json";

/// The name of the summary.
const SUMMARY: &str = "ringcopy-vm-test.txt";

/// How far a test has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    UnderWay,
    GivenUp,
    Complete,
}

/// Writes the report and its summary of a test that is under way: a machine that does not survive the
/// next round leaves them.
pub(super) fn write_so_far(progress: &Progress, options: &Options) -> Result<(), Failure> {
    write(progress, options, State::UnderWay).map(drop)
}

/// Writes the report and its summary, and prints the summary.
pub(super) fn conclude(
    progress: &Progress,
    exercise: &mut dyn Exercise,
    options: &Options,
    complete: bool,
) -> Result<Ended, Failure> {
    let state = if complete {
        State::Complete
    } else {
        State::GivenUp
    };
    let summary = write(progress, options, state)?;
    Progress::remove(&options.folder);
    for line in summary.lines() {
        exercise.say(line);
    }
    Ok(Ended::Done {
        passed: complete && is_clean(progress),
        report: options.folder.join(REPORT),
    })
}

fn is_clean(progress: &Progress) -> bool {
    let mut rounds = progress.rounds.iter();
    rounds.all(|round| round.findings.is_empty())
}

/// Writes both files. Returns the summary.
fn write(progress: &Progress, options: &Options, state: State) -> Result<String, Failure> {
    let complete = state == State::Complete;
    let document = json!({
        "client": progress.client,
        "windows": progress.windows,
        "no_restart": progress.kind.no_restart,
        "risky": progress.kind.risky,
        "complete": complete,
        "passed": complete && is_clean(progress),
        "rounds": progress.rounds,
    });
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    progress::write(&options.folder.join(REPORT), &text)?;
    let summary = summary(progress, state);
    progress::write(&options.folder.join(SUMMARY), &summary)?;
    Ok(summary)
}

fn summary(progress: &Progress, state: State) -> String {
    let mut lines = vec![format!(
        "ringcopy {} under Driver Verifier, on Windows build {}: {}",
        progress.client,
        progress.windows[2],
        match state {
            State::UnderWay => "not complete",
            State::GivenUp => "given up",
            State::Complete if is_clean(progress) => "nothing found",
            State::Complete => "FAILED",
        }
    )];
    for round in &progress.rounds {
        lines.push(format!(
            "round \"{}\": verifier {}",
            round.name,
            round.verifier.join(", then ")
        ));
        if !round.refused.is_empty() {
            lines.push(format!(
                "  refused: verifier {}",
                round.refused.join(", and ")
            ));
        }
        if !round.not_on.is_empty() {
            lines.push(format!("  not on: {}", round.not_on.join(", ")));
        }
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
    lines.push(verifiers_end(progress, state));
    lines.push(String::new());
    lines.join("\n")
}

/// Says what becomes of Verifier.
fn verifiers_end(progress: &Progress, state: State) -> String {
    let left = progress.rounds.iter().flat_map(|round| &round.left_on);
    let left: Vec<_> = left.map(String::as_str).collect();
    match (progress.kind.no_restart, state) {
        (false, State::UnderWay) => "Driver Verifier is still set up.".into(),
        (false, _) => "Driver Verifier is off after the next restart.".into(),
        (true, _) if left.is_empty() => "Driver Verifier is off.".into(),
        (true, _) => format!(
            "Driver Verifier may stay on for the driver until the next restart: {}",
            left.join("; ")
        ),
    }
}
