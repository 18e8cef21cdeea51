//! The result of reading each range.

use ringcopy_protocol::{Direction, EngineKind, NtStatus, RequestKind};

use super::{holes::Hole, plan::rest};
use crate::{Transfer, cli::range_argument::Range, explain::explain_stop};

/// The result of reading a range, so far.
pub(super) struct RangeResult {
    /// The range's offset in the output.
    pub(super) at: u64,
    pub(super) transfer: Transfer,
    /// The copy that stopped first.
    pub(super) stopped: Option<Transfer>,
}

/// Returns the results before anything was read.
pub(super) fn results(ranges: &[Range]) -> Vec<RangeResult> {
    let mut at = 0;
    ranges
        .iter()
        .map(|range| {
            let result = RangeResult {
                at,
                transfer: Transfer {
                    source: Some(range.source),
                    ..Transfer::ended(
                        RequestKind::CopyMemory.into(),
                        NtStatus::SUCCESS,
                        range.length,
                    )
                },
                stopped: None,
            };
            at += range.length;
            result
        })
        .collect()
}

/// Adds what an earlier read left in the output: `written` bytes, holes included.
pub(super) fn add_earlier(results: &mut [RangeResult], written: u64, holes: &[(u64, Hole)]) {
    for result in &mut *results {
        let transfer = &mut result.transfer;
        transfer.copied = written.saturating_sub(result.at).min(transfer.asked);
    }
    for (at, hole) in holes {
        let (mut at, mut left) = (*at, *hole);
        // A hole may span ranges that are next to each other.
        let first = results.partition_point(|result| result.at <= at);
        for result in results.iter_mut().skip(first.saturating_sub(1)) {
            let end = result.at.saturating_add(result.transfer.asked);
            let length = left.length.min(end.saturating_sub(at));
            result.add_earlier_hole(at, &Hole { length, ..left });
            let Some((source, length)) = rest(left.into(), length) else {
                break;
            };
            (at, left) = (
                end,
                Hole {
                    source,
                    length,
                    ..left
                },
            );
        }
    }
}

impl RangeResult {
    /// Adds a copy of a part of the range.
    pub(super) fn add(&mut self, transfer: &Transfer) {
        let so_far = &mut self.transfer;
        so_far.copied += transfer.copied;
        so_far.fell_back |= transfer.fell_back;
        if transfer.engine != EngineKind::Auto || transfer.copied > 0 {
            so_far.engine = transfer.engine;
        }
        if !transfer.is_complete() && self.stopped.is_none() {
            so_far.status = transfer.status;
            so_far.address = transfer.address;
            so_far.direction = transfer.direction;
            self.stopped = Some(Transfer {
                operation: so_far.operation,
                copied: so_far.copied,
                source: so_far.source,
                ..*transfer
            });
        }
    }

    /// Adds the part of a hole that is in the range; an earlier read left it at this offset.
    const fn add_earlier_hole(&mut self, at: u64, hole: &Hole) {
        let so_far = &mut self.transfer;
        so_far.copied = so_far.copied.saturating_sub(hole.length);
        if self.stopped.is_some() {
            return;
        }
        so_far.status = hole.status;
        so_far.direction = Direction::Read;
        so_far.address = Some(hole.source.address());
        self.stopped = Some(Transfer {
            copied: at - self.at,
            ..*so_far
        });
    }

    /// Returns a sentence about what is missing, and why.
    pub(super) fn explanation(&self) -> Option<String> {
        let Transfer { asked, copied, .. } = self.transfer;
        let stopped = self.stopped?;
        let read = match copied {
            0 => format!("read none of {asked} bytes"),
            _ => format!(
                "read {copied} of {asked} bytes; byte {} is the first that is missing",
                stopped.copied
            ),
        };
        let (status, advice) = (stopped.status, explain_stop(&stopped));
        Some(format!("{read}: {status}: {advice}"))
    }
}
