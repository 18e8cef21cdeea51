//! The result of reading each range.

use ringcopy_protocol::{CopyResult, Direction, EngineKind, NtStatus, RequestKind};

use super::{holes::Hole, plan::rest};
use crate::{CopyReport, cli::range_argument::Range, explain::explain_stop};

/// The result of reading a range, so far.
pub(super) struct RangeResult {
    /// The range's offset in the output.
    pub(super) at: u64,
    pub(super) report: CopyReport,
    /// The copy that stopped first.
    pub(super) stopped: Option<CopyReport>,
    /// The driver's.
    user_limit: u64,
}

/// Returns the results before anything was read.
pub(super) fn results(ranges: &[Range], user_limit: u64) -> Vec<RangeResult> {
    let mut at = 0;
    ranges
        .iter()
        .map(|range| {
            let result = RangeResult {
                at,
                report: CopyReport {
                    source: Some(range.source),
                    ..CopyReport::ended(
                        RequestKind::CopyMemory.into(),
                        NtStatus::SUCCESS,
                        range.length,
                    )
                },
                stopped: None,
                user_limit,
            };
            at += range.length;
            result
        })
        .collect()
}

/// Adds what an earlier read left in the output: `written` bytes, holes included.
pub(super) fn add_earlier(results: &mut [RangeResult], written: u64, holes: &[(u64, Hole)]) {
    for result in &mut *results {
        let report = &mut result.report;
        report.result.copied = written.saturating_sub(result.at).min(report.asked);
    }
    for (at, hole) in holes {
        let (mut at, mut left) = (*at, *hole);
        // A hole may span ranges that are next to each other.
        let first = results.partition_point(|result| result.at <= at);
        for result in results.iter_mut().skip(first.saturating_sub(1)) {
            let end = result.at.saturating_add(result.report.asked);
            let length = left.length.min(end.saturating_sub(at));
            result.add_earlier_hole(at, &Hole { length, ..left });
            let Some(rest) = rest(left.into(), length) else {
                break;
            };
            (at, left) = (end, Hole::of(rest, hole.status));
        }
    }
}

impl RangeResult {
    /// Adds a copy of a part of the range.
    pub(super) fn add(&mut self, report: &CopyReport) {
        let so_far = &mut self.report.result;
        so_far.copied += report.result.copied;
        so_far.flags |= report.result.flags;
        if report.result.engine() != EngineKind::Auto || report.result.copied > 0 {
            so_far.engine = report.result.engine;
        }
        if !report.is_complete() && self.stopped.is_none() {
            so_far.status = report.result.status;
            so_far.address = report.result.address;
            so_far.direction = report.result.direction;
            self.stopped = Some(CopyReport {
                asked: report.asked,
                result: CopyResult {
                    copied: so_far.copied,
                    ..report.result
                },
                ..self.report
            });
        }
    }

    /// Adds the part of a hole that is in the range; an earlier read left it at this offset.
    const fn add_earlier_hole(&mut self, at: u64, hole: &Hole) {
        let so_far = &mut self.report.result;
        so_far.copied = so_far.copied.saturating_sub(hole.length);
        if self.stopped.is_some() {
            return;
        }
        so_far.status = hole.status.0;
        so_far.direction = Direction::Read as u32;
        so_far.address = hole.source.address();
        let mut stopped = self.report;
        stopped.result.copied = at - self.at;
        self.stopped = Some(stopped);
    }

    /// Returns a sentence about what is missing, and why.
    pub(super) fn explanation(&self) -> Option<String> {
        let (asked, copied) = (self.report.asked, self.report.result.copied);
        let stopped = self.stopped?;
        let read = match copied {
            0 => format!("read none of {asked} bytes"),
            _ => format!(
                "read {copied} of {asked} bytes; byte {} is the first that is missing",
                stopped.result.copied
            ),
        };
        let status = stopped.result.status();
        let advice = explain_stop(&stopped, self.user_limit);
        Some(format!("{read}: {status}: {advice}"))
    }
}
