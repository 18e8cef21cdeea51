//! `ringcopy selftest`: the self-test on one screen.

use ringcopy_protocol::{CopyResult, EngineKind, NtStatus, RequestKind};
use serde_json::json;

use super::{
    Stop,
    info::{native, reach},
    record::{Document, Record, engine_name, hexadecimal},
    view::View,
};
use crate::{
    CopyReport, Device, Information, OpenAccess, Operation, Transport,
    suites::selftest::{self, CaseResult, Group, Verdict},
};

pub(super) fn run(transport: &mut dyn Transport, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let information = Device::open(transport, OpenAccess::Read)?.information()?;
    let report = selftest::run(transport)?;
    let counts = report.counts();
    if counts.failed > 0 {
        view.document.fault();
    }
    write_document(&report.results, &mut view.document);
    view.document.detail(
        "counts",
        json!({ "passed": counts.passed, "failed": counts.failed, "skipped": counts.skipped }),
    );
    view.line(&header(&information))?;
    let mut group = None;
    for row in rows(&report.results) {
        if group != Some(row.group) {
            group = Some(row.group);
            view.line(&heading(row.group))?;
        }
        view.line(&row.text())?;
    }
    view.line(&format!("{counts}"))?;
    Ok(())
}

fn write_document(results: &[CaseResult], document: &mut Document) {
    let mut skipped = Vec::new();
    for result in results {
        let engine = result.engine.and_then(engine_name);
        let (passed, reason) = match &result.verdict {
            Verdict::Passed => (true, None),
            Verdict::Failed(reason) => (false, Some(reason.as_str())),
            Verdict::Skipped(reason) => {
                skipped.push(json!({
                    "operation": result.operation().name(),
                    "case": result.case.name,
                    "engine": engine,
                    "reason": reason,
                }));
                continue;
            }
        };
        let operation = result.operation();
        let record = result.report.map_or_else(
            || Record::without_response(operation, result.case.action.length()),
            |report| Record::unexplained(&report),
        );
        document.record(
            record
                .with("case", result.case.name)
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
    result: &'o CaseResult,
    engines: Vec<&'static str>,
}

fn rows(results: &[CaseResult]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for result in results {
        let engine = result.engine.and_then(engine_name);
        match rows.last_mut() {
            Some(row) if alike(row.result, result) => row.engines.extend(engine),
            _ => rows.push(Row {
                group: result.case.group,
                result,
                engines: engine.into_iter().collect(),
            }),
        }
    }
    rows
}

fn alike(one: &CaseResult, other: &CaseResult) -> bool {
    let end = |report: CopyReport| {
        let result = CopyResult {
            engine: EngineKind::Auto as u32,
            hole_length: 0,
            ..report.result
        };
        (report.operation, report.asked, result)
    };
    std::ptr::eq(one.case, other.case)
        && one.verdict == other.verdict
        && one.report.map(end) == other.report.map(end)
}

impl Row<'_> {
    fn text(&self) -> String {
        let CaseResult {
            case,
            report,
            verdict,
            ..
        } = self.result;
        let operation = match self.result.operation() {
            Operation::Request(RequestKind::CopyMemory) if self.engines.is_empty() => "read".into(),
            Operation::Request(RequestKind::CopyMemory) => self.engines.join("+"),
            operation => operation.to_string(),
        };
        let asked = format!("  {operation:<13} {:<35}", case.name);
        let said = report.map_or_else(String::new, |report| {
            format!(
                "{:<28} {:>13}  {:<18}",
                report.result.status(),
                format!("{}/{}", report.result.copied, report.asked),
                report
                    .result
                    .stop_address()
                    .map_or_else(|| missing(report.result.status()).into(), hexadecimal)
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
