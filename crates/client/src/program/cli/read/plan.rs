//! The memory that is still to be read, and the requests for it.

use std::collections::VecDeque;

use ringcopy_protocol::MAXIMUM_ENTRIES;

use crate::{PAGE_LENGTH, Source, cli::range_argument::Range};

/// The most bytes that one request asks for.
pub(super) const CHUNK: u64 = 1 << 20;

/// The most bytes that a request asks for after a part of a hole, since another part is likely.
pub(super) const CHUNK_AFTER_HOLE: u64 = 64 << 10;

/// The length of a hole after which the rest gets a request of its own. A request costs about as
/// much as asking for this many bytes page by page.
const LONG_HOLE: u64 = CHUNK / 4;

/// A part of a range that one piece of a request asks for.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// The index of the range.
    pub(super) number: usize,
    pub(super) range: Range,
}

/// Returns what is left of a range after `copied` bytes, unless that is nothing.
pub(super) fn rest(range: Range, copied: u64) -> Option<Range> {
    let length = range.length.checked_sub(copied).filter(|&left| left > 0)?;
    let source = range.source.checked_add(copied)?;
    Some(Range { source, length })
}

/// How a part of a range was asked for before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It was not asked for before.
    First,
    /// As a part of a longer one; this is what follows the hole in that.
    AfterHole,
    /// As a part of a longer one; this is a page, or a part of one.
    Page,
}

/// What to do about a part that stopped early.
pub(super) struct Retry {
    /// Bytes that cannot be read.
    pub(super) hole: u64,
    /// What to ask for after these bytes.
    pub(super) parts: Vec<Part>,
    pub(super) attempt: Attempt,
}

impl Retry {
    /// Gives up what is left.
    pub(super) const fn nothing(left: u64) -> Self {
        Self {
            hole: left,
            parts: Vec::new(),
            attempt: Attempt::Page,
        }
    }
}

/// Decides what to do about the part of a range that is `left`. At least its first `hole_length` bytes
/// cannot be read. After a long hole the rest is asked for as a whole. Near a short hole there are
/// likely others, unless it is the first one in physical memory. The pages after it are asked for one
/// by one, all in one request.
pub(super) fn retry(attempt: Attempt, number: usize, left: Range, hole_length: u64) -> Retry {
    if attempt == Attempt::Page {
        return Retry::nothing(left.length);
    }
    let hole = match hole_length {
        0 => to_page_end(left.source),
        known => known,
    }
    .min(left.length);
    let Some(range) = rest(left, hole) else {
        return Retry::nothing(left.length);
    };
    let first = attempt == Attempt::First && matches!(range.source, Source::Physical(_));
    let long = hole_length >= if first { 1 } else { LONG_HOLE };
    let (attempt, parts) = if long {
        (Attempt::AfterHole, vec![Part { number, range }])
    } else {
        (Attempt::Page, pages(number, range))
    };
    Retry {
        hole,
        parts,
        attempt,
    }
}

const fn to_page_end(source: Source) -> u64 {
    PAGE_LENGTH - source.address() % PAGE_LENGTH
}

/// Splits a range where pages end.
fn pages(number: usize, range: Range) -> Vec<Part> {
    let mut pages = Vec::new();
    let mut left = Some(range);
    while let Some(range) = left {
        let length = to_page_end(range.source).min(range.length);
        left = rest(range, length);
        let range = Range { length, ..range };
        pages.push(Part { number, range });
    }
    pages
}

/// Removes up to `length` bytes from the next part, if it is of this range. Returns what it removed.
pub(super) fn skip(parts: &mut VecDeque<Part>, number: usize, length: u64) -> Option<Range> {
    if length == 0 {
        return None;
    }
    let part = parts.pop_front_if(|part| part.number == number)?;
    let skipped = part.range.length.min(length);
    if let Some(range) = rest(part.range, skipped) {
        parts.push_front(Part { number, range });
    }
    Some(Range {
        length: skipped,
        ..part.range
    })
}

/// Returns what is left of the ranges when `done` bytes of the output are done.
pub(super) fn remaining(ranges: &[Range], done: u64) -> VecDeque<Part> {
    let mut before = done;
    let mut parts = VecDeque::new();
    for (number, range) in ranges.iter().enumerate() {
        let skipped = before.min(range.length);
        before -= skipped;
        if let Some(range) = rest(*range, skipped) {
            parts.push_back(Part { number, range });
        }
    }
    parts
}

/// Removes the parts for one request of at most `most` bytes.
pub(super) fn next_request(parts: &mut VecDeque<Part>, mut most: u64) -> Vec<Part> {
    let mut request = Vec::new();
    while most > 0 && request.len() < MAXIMUM_ENTRIES as usize {
        let Some(part) = parts.pop_front() else {
            break;
        };
        let Part { number, range } = part;
        let length = range.length.min(most);
        if let Some(range) = rest(range, length) {
            parts.push_front(Part { number, range });
        }
        let range = Range { length, ..range };
        request.push(Part { number, range });
        most -= length;
    }
    request
}
