//! The memory that could not be read.

use ringcopy_protocol::NtStatus;
use serde_json::{Value, json};

use super::form::Form;
use crate::{
    Source,
    cli::{View, range_argument::Range, record::hexadecimal},
    explain_hole,
};

/// Holes that are remembered one by one; the others are counted.
const REMEMBERED: usize = 100_000;

/// Holes, or ranges, that are shown to people who did not ask for all.
pub(super) const SHOWN: usize = 10;

/// A stretch of memory that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) source: Source,
    /// Bytes.
    pub(super) length: u64,
    /// Why.
    pub(super) status: NtStatus,
}

impl From<Hole> for Range {
    fn from(hole: Hole) -> Self {
        Self {
            source: hole.source,
            length: hole.length,
        }
    }
}

impl Hole {
    /// Whether another hole is of the same kind, and begins where this one ends.
    pub(super) fn goes_on_with(&self, next: &Self) -> bool {
        self.status == next.status && self.source.checked_add(self.length) == Some(next.source)
    }
}

/// Holes in the order of the ranges asked for.
#[derive(Debug, Default)]
pub(super) struct Holes {
    /// Where each lies in the output, and what it is.
    list: Vec<(u64, Hole)>,
    forgotten: u64,
    /// Bytes in all of them.
    pub(super) bytes: u64,
}

impl Holes {
    /// Adds a hole; one that goes on where the last one of its kind ended is the same.
    pub(super) fn add(&mut self, at: u64, hole: Hole) {
        self.bytes = self.bytes.saturating_add(hole.length);
        if let Some((last_at, last)) = self.list.last_mut()
            && *last_at + last.length == at
            && last.goes_on_with(&hole)
        {
            last.length += hole.length;
        } else if self.list.len() < REMEMBERED {
            self.list.push((at, hole));
        } else {
            self.forgotten += 1;
        }
    }

    /// Those that lie in a part of the output, with all of their bytes or with some.
    pub(super) fn within(&self, part: std::ops::Range<u64>) -> impl Iterator<Item = &Hole> {
        let ended = |(at, hole): &(u64, Hole)| at.saturating_add(hole.length) <= part.start;
        let first = self.list.partition_point(ended);
        self.list
            .iter()
            .skip(first)
            .take_while(move |(at, _)| *at < part.end)
            .map(|(_, hole)| hole)
    }

    /// Lists them to people: the first few, or all.
    pub(super) fn show(&self, view: &mut View<'_, '_>, all: bool) -> std::io::Result<()> {
        let shown = if all { self.list.len() } else { SHOWN };
        for (_, hole) in self.list.iter().take(shown) {
            view.remark(&format!(
                "hole: {} {:#x}, {} bytes: {} ({})",
                hole.source.kind(),
                hole.source.address(),
                hole.length,
                hole.status,
                explain_hole(hole.status)
            ))?;
        }
        let count = self.list.len() as u64 + self.forgotten;
        let more = self.list.len().saturating_sub(shown) as u64 + self.forgotten;
        if more > 0 {
            let advice = if all {
                "that were too many to be remembered"
            } else {
                "that --list-holes lists"
            };
            view.remark(&format!(
                "{count} holes in all, of {} bytes: the {} above, and {more} {advice}",
                self.bytes,
                count - more
            ))?;
        }
        Ok(())
    }

    /// Lists them to machines: those remembered, and how many more there are.
    pub(super) fn document(&self, form: Form) -> (Value, u64) {
        let list = self.list.iter().map(|(at, hole)| {
            json!({
                "kind": hole.source.kind(),
                "address": hexadecimal(hole.source.address()),
                "length": hole.length,
                "status": hole.status.to_string(),
                "output_offset": match form {
                    Form::Ranges => Some(*at),
                    Form::Addresses => Some(hole.source.address()),
                    Form::Lime => None,
                },
            })
        });
        (list.collect(), self.forgotten)
    }
}
