//! Memory that could not be read.

use ringcopy_protocol::NtStatus;
use serde_json::{Value, json};

use super::form::Form;
use crate::{
    Source,
    cli::{range_argument::Range, record::hexadecimal, view::View},
    explain_hole,
};

/// Holes that are kept one by one; the others are only counted.
const KEPT: usize = 100_000;

/// Holes, or ranges, that are listed without `--list-holes`.
pub(super) const LISTED: usize = 10;

/// A range of memory that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) source: Source,
    /// Bytes.
    pub(super) length: u64,
    /// The reason.
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
    pub(super) const fn of(range: Range, status: NtStatus) -> Self {
        Self {
            source: range.source,
            length: range.length,
            status,
        }
    }

    /// Adds a hole that begins where this one ends and has the same reason. Returns whether it
    /// does.
    pub(super) fn extend(&mut self, next: &Self) -> bool {
        let continues =
            self.status == next.status && self.source.checked_add(self.length) == Some(next.source);
        if continues {
            self.length += next.length;
        }
        continues
    }
}

/// Holes in the order of the ranges asked for.
#[derive(Debug, Default)]
pub(super) struct Holes {
    /// Each hole, with its offset in the output.
    list: Vec<(u64, Hole)>,
    /// Holes that are not in the list.
    omitted: u64,
    /// Bytes in all holes.
    pub(super) bytes: u64,
}

impl Holes {
    /// Adds a hole at an offset of the output. One that continues the last one extends it.
    pub(super) fn add(&mut self, at: u64, hole: Hole) {
        self.bytes = self.bytes.saturating_add(hole.length);
        let last = self.list.last_mut();
        if last.is_some_and(|(last_at, last)| *last_at + last.length == at && last.extend(&hole)) {
            return;
        }
        if self.list.len() < KEPT {
            self.list.push((at, hole));
        } else {
            self.omitted += 1;
        }
    }

    /// Returns the holes that overlap a part of the output.
    pub(super) fn within(&self, part: std::ops::Range<u64>) -> impl Iterator<Item = &Hole> {
        let ended = |(at, hole): &(u64, Hole)| at.saturating_add(hole.length) <= part.start;
        let first = self.list.partition_point(ended);
        self.list
            .iter()
            .skip(first)
            .take_while(move |(at, _)| *at < part.end)
            .map(|(_, hole)| hole)
    }

    /// Prints the first few holes, or all.
    pub(super) fn show(&self, view: &mut View<'_, '_>, all: bool) -> std::io::Result<()> {
        let listed = if all { self.list.len() } else { LISTED };
        for (_, hole) in self.list.iter().take(listed) {
            view.remark(&format!(
                "hole: {} {:#x}, {} bytes: {} ({})",
                hole.source.kind(),
                hole.source.address(),
                hole.length,
                hole.status,
                explain_hole(hole.status)
            ))?;
        }
        let count = self.list.len() as u64 + self.omitted;
        let more = self.list.len().saturating_sub(listed) as u64 + self.omitted;
        if more > 0 {
            let advice = if all {
                "that were too many to keep"
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

    /// Returns the list for the document, and how many holes are not in it.
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
        (list.collect(), self.omitted)
    }
}
