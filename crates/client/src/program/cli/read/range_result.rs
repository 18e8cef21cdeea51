//! What has become of each range.

use ringcopy_protocol::{Direction, Engine, NtStatus, RequestKind};

use super::{holes::Hole, plan::rest};
use crate::{Transfer, cli::range_argument::Range, explain::explain_stop};

/// What has become of a range so far.
pub(super) struct Outcome {
    /// Where it begins in the output.
    pub(super) at: u64,
    pub(super) transfer: Transfer,
    /// The copy that stopped first.
    pub(super) stopped: Option<Transfer>,
}

/// Nothing, of any of the ranges.
pub(super) fn outcomes(ranges: &[Range]) -> Vec<Outcome> {
    let mut at = 0;
    ranges
        .iter()
        .map(|range| {
            let outcome = Outcome {
                at,
                transfer: Transfer {
                    operation: RequestKind::CopyMemory.into(),
                    status: NtStatus::SUCCESS,
                    asked: range.length,
                    copied: 0,
                    address: None,
                    direction: Direction::None,
                    engine: Engine::Auto,
                    fell_back: false,
                    hole_length: 0,
                    source: Some(range.source),
                },
                stopped: None,
            };
            at += range.length;
            outcome
        })
        .collect()
}

/// Takes what an earlier read left in the output: so many bytes, and holes among them.
pub(super) fn add_earlier(outcomes: &mut [Outcome], written: u64, holes: &[(u64, Hole)]) {
    for outcome in &mut *outcomes {
        let transfer = &mut outcome.transfer;
        transfer.copied = written.saturating_sub(outcome.at).min(transfer.asked);
    }
    for (at, hole) in holes {
        let (mut at, mut left) = (*at, *hole);
        // Where one range begins at the other's end, a hole may be in both.
        let first = outcomes.partition_point(|outcome| outcome.at <= at);
        for outcome in outcomes.iter_mut().skip(first.saturating_sub(1)) {
            let end = outcome.at.saturating_add(outcome.transfer.asked);
            let length = left.length.min(end.saturating_sub(at));
            outcome.add_earlier_hole(at, &Hole { length, ..left });
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

impl Outcome {
    /// Adds a copy of a part of the range.
    pub(super) fn add(&mut self, transfer: &Transfer) {
        let so_far = &mut self.transfer;
        so_far.copied += transfer.copied;
        so_far.fell_back |= transfer.fell_back;
        if transfer.engine != Engine::Auto || transfer.copied > 0 {
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

    /// Takes a hole that an earlier read left in the output: where, and what of it is in the range.
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

    /// What is missing and why, in a sentence.
    pub(super) fn explanation(&self) -> Option<String> {
        let Transfer { asked, copied, .. } = self.transfer;
        let stopped = self.stopped?;
        Some(format!(
            "read {copied} of {asked} bytes; {} bytes in, there was {}: {}",
            stopped.copied,
            stopped.status,
            explain_stop(&stopped)
        ))
    }
}
