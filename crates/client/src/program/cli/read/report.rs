//! What a read prints: its progress and its result.

use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    form::Form,
    holes::{Holes, LISTED},
    map,
    plan::CHUNK,
    range_result::RangeResult,
};
use crate::cli::{
    Stop,
    arguments::{ReadArguments, is_standard_output},
    record::{Document, Record, engine_name, hexadecimal},
    view::View,
};

/// Returns a progress bar, which is hidden unless standard error is a terminal.
pub(super) fn progress(view: &View<'_, '_>, length: u64) -> ProgressBar {
    let target = if view.console.progress && length > CHUNK {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template(
        "{bar:40} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
    ) {
        bar.set_style(style);
    }
    bar
}

pub(super) fn report(results: &[RangeResult], holes: &Holes, form: Form, document: &mut Document) {
    for result in results {
        let report = &result.report;
        let part = result.at..result.at.saturating_add(report.asked);
        let (kind, from) = report
            .source
            .map_or(("", 0), |source| (source.kind(), source.address()));
        document.record(
            Record::unexplained(report)
                .explained(result.explanation())
                .with("kind", kind)
                .with("from", hexadecimal(from))
                .with("holes", holes.within(part).count()),
        );
    }
    let (list, omitted) = holes.document(form);
    document.detail("holes", list);
    document.detail("holes_omitted", omitted);
}

/// A read that came to its end.
pub(super) struct Finished<'a> {
    pub(super) arguments: &'a ReadArguments,
    /// Bytes of the output that an earlier read had done.
    pub(super) resumed: u64,
    /// Bytes of the output that are done.
    pub(super) written: u64,
    pub(super) seconds: f64,
    /// Whether the file keeps its contents, since nothing could be read.
    pub(super) is_untouched: bool,
    /// Whether a map is beside the output.
    pub(super) has_map: bool,
}

pub(super) fn finish(
    finished: &Finished<'_>,
    results: &[RangeResult],
    holes: &Holes,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let rate = rate(finished.written - finished.resumed, finished.seconds);
    view.document.detail("seconds", finished.seconds);
    view.document.detail("bytes_per_second", rate);
    report_output(finished, results, holes, view)?;
    if holes.bytes > 0 {
        view.document.fault();
    }
    let all = finished.arguments.list_holes;
    let mut incomplete = 0;
    for result in results {
        let Some(explanation) = result.explanation() else {
            continue;
        };
        view.document.fault();
        incomplete += 1;
        if incomplete > LISTED && !all {
            continue;
        }
        let named = match result.report.source {
            Some(source) if results.len() > 1 => {
                format!("{} {:#x}: {explanation}", source.kind(), source.address())
            }
            _ => explanation,
        };
        view.remark(&named)?;
    }
    if incomplete > LISTED && !all {
        view.remark(&format!(
            "{incomplete} of {} ranges are not complete: the {LISTED} above, and {} that \
             --list-holes lists",
            results.len(),
            incomplete - LISTED
        ))?;
    }
    holes.show(view, all)?;
    Ok(())
}

/// Reports what is in the output, if there is one.
fn report_output(
    finished: &Finished<'_>,
    results: &[RangeResult],
    holes: &Holes,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let Some(path) = &finished.arguments.output else {
        return Ok(());
    };
    let name = if is_standard_output(path) {
        "standard output".into()
    } else {
        path.display().to_string()
    };
    if finished.is_untouched {
        view.remark(&format!(
            "nothing could be read, and {name} was left as it was"
        ))?;
    }
    if holes.bytes >= finished.written {
        return Ok(());
    }
    let engine = results
        .last()
        .and_then(|result| engine_name(result.report.result.engine()))
        .map_or(String::new(), |name| {
            format!(", copied by the {name} engine")
        });
    let holes = match holes.bytes {
        0 => String::new(),
        bytes => format!(", of which {bytes} are holes"),
    };
    let rate = BinaryBytes(rate(finished.written - finished.resumed, finished.seconds));
    view.line(&format!(
        "{} bytes written to {name}{engine}, {rate}/s{holes}",
        finished.written
    ))?;
    if finished.has_map {
        view.line(&format!("its map is {}", map::path_of(path).display()))?;
    }
    Ok(())
}

fn rate(bytes: u64, seconds: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people; a cast of a float saturates"
    )]
    let rate = (bytes as f64 / seconds.max(1e-9)) as u64;
    rate
}
