//! `ringcopy selftest`: the self-test on one screen.

use ringcopy_protocol::{EngineKind, NtStatus, RequestKind};
use serde_json::json;

use super::{
    Stop,
    info::{native, reach},
    record::{Document, Record, engine_name, hexadecimal},
    view::View,
};
use crate::{
    Device, Information, OpenAccess, Operation, Transport,
    suites::selftest::{self, Answer, Group, Outcome, Verdict},
};

pub(super) fn run(transport: &mut dyn Transport, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let information = Device::open(transport, OpenAccess::Read)?.information()?;
    let report = selftest::run(transport)?;
    let counts = report.counts();
    if counts.failed > 0 {
        view.document.fault();
    }
    write_document(&report.outcomes, &mut view.document);
    view.document.detail(
        "counts",
        json!({ "passed": counts.passed, "failed": counts.failed, "skipped": counts.skipped }),
    );
    view.line(&header(&information))?;
    let mut group = None;
    for row in rows(&report.outcomes) {
        if group != Some(row.group) {
            group = Some(row.group);
            view.line(&heading(row.group))?;
        }
        view.line(&row.text())?;
    }
    view.line(&format!("{counts}"))?;
    Ok(())
}

fn write_document(outcomes: &[Outcome], document: &mut Document) {
    let mut skipped = Vec::new();
    for outcome in outcomes {
        let engine = outcome.engine.and_then(engine_name);
        let (passed, reason) = match &outcome.verdict {
            Verdict::Passed => (true, None),
            Verdict::Failed(reason) => (false, Some(reason.as_str())),
            Verdict::Skipped(reason) => {
                skipped.push(json!({
                    "operation": outcome.operation().name(),
                    "case": outcome.case.name,
                    "engine": engine,
                    "reason": reason,
                }));
                continue;
            }
        };
        let operation = outcome.operation();
        let record = outcome.answer.map_or_else(
            || Record::without_response(operation, outcome.case.action.length()),
            |answer| Record::of_answer(operation, &answer),
        );
        document.record(
            record
                .with("case", outcome.case.name)
                .with("engine_asked", engine)
                .with("passed", passed)
                .with("reason", reason),
        );
    }
    document.detail("skipped", skipped);
}

fn header(information: &Information) -> String {
    let [major, minor, patch] = information.driver_version;
    format!(
        "ringcopy.sys {major}.{minor}.{patch}; native engine {}; SMAP {}; in reach: {}",
        native(information.native_status),
        if information.smap { "on" } else { "off" },
        reach(information.reach)
    )
}

fn heading(group: Group) -> String {
    format!(
        "{:<51}{:<29}{:>13}  {:<18}",
        group.heading(),
        "status",
        "copied/asked",
        "stopped at",
    )
    .trim_end()
    .into()
}

/// Returns why a copy was refused, in the column of the address.
const fn missing(status: NtStatus) -> &'static str {
    match status {
        NtStatus::ACCESS_DENIED => "refused by policy",
        NtStatus::PRIVILEGE_NOT_HELD => "no SeDebugPrivil.",
        _ => "",
    }
}

/// One line: the result of one engine, or the same result of both.
struct Row<'o> {
    group: Group,
    outcome: &'o Outcome,
    engines: Vec<&'static str>,
}

fn rows(outcomes: &[Outcome]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for outcome in outcomes {
        let engine = outcome.engine.and_then(engine_name);
        match rows.last_mut() {
            Some(row) if alike(row.outcome, outcome) => row.engines.extend(engine),
            _ => rows.push(Row {
                group: outcome.case.group,
                outcome,
                engines: engine.into_iter().collect(),
            }),
        }
    }
    rows
}

fn alike(one: &Outcome, other: &Outcome) -> bool {
    let said = |answer: Answer| Answer {
        engine: EngineKind::Auto,
        ..answer
    };
    std::ptr::eq(one.case, other.case)
        && one.verdict == other.verdict
        && one.answer.map(said) == other.answer.map(said)
}

impl Row<'_> {
    fn text(&self) -> String {
        let Outcome {
            case,
            answer,
            verdict,
            ..
        } = self.outcome;
        let operation = match self.outcome.operation() {
            Operation::Request(RequestKind::CopyMemory) if self.engines.is_empty() => "read".into(),
            Operation::Request(RequestKind::CopyMemory) => self.engines.join("+"),
            operation => operation.to_string(),
        };
        let asked = format!("  {operation:<13} {:<35}", case.name);
        let said = answer.map_or_else(String::new, |answer| {
            format!(
                "{:<28} {:>13}  {:<18}",
                answer.status,
                format!("{}/{}", answer.copied, answer.asked),
                answer
                    .address
                    .map_or_else(|| missing(answer.status).into(), hexadecimal)
            )
        });
        match verdict {
            Verdict::Passed => format!("{asked} {said} ok"),
            Verdict::Failed(reason) if said.is_empty() => format!("{asked} FAILED: {reason}"),
            Verdict::Failed(reason) => format!("{asked} {said} FAILED: {reason}"),
            Verdict::Skipped(reason) => format!("{asked} skipped: {reason}"),
        }
    }
}
