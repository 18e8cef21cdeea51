//! What is still to be read, and in which requests.

use std::collections::VecDeque;

use ringcopy_protocol::MAXIMUM_ENTRIES;

use crate::{PAGE_LENGTH, Source, cli::range_argument::Range};

/// The most bytes that one of the command's requests asks for.
pub(super) const CHUNK: u64 = 1 << 20;

/// The most bytes that a request asks for after a part of a hole: likely the next part begins there.
pub(super) const CHUNK_AFTER_HOLE: u64 = 64 << 10;

/// A hole of so many bytes is worth a request of its own for what lies after it: a request costs
/// about as much as asking for as many bytes of pages one by one.
const LONG_HOLE: u64 = CHUNK / 4;

/// A part of a range that one piece of a request asks for.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Which range.
    pub(super) number: usize,
    pub(super) range: Range,
}

/// What a copy left of a range: where, and how many bytes.
pub(super) fn rest(range: Range, copied: u64) -> Option<(Source, u64)> {
    let left = range.length.checked_sub(copied).filter(|&left| left > 0)?;
    Some((range.source.checked_add(copied)?, left))
}

/// How often a part of a range has been asked for, and in what pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Never before.
    First,
    /// As a part of more, up to a hole; this is what lies after it.
    AfterHole,
    /// As a part of more; this is a page, or a part of one.
    Page,
}

/// What becomes of a part that stopped short.
pub(super) struct Retry {
    /// Bytes that cannot be read.
    pub(super) hole: u64,
    /// What to ask for after them.
    pub(super) parts: Vec<Part>,
    pub(super) attempt: Attempt,
}

impl Retry {
    /// All that is left cannot be read.
    pub(super) const fn nothing(left: u64) -> Self {
        Self {
            hole: left,
            parts: Vec::new(),
            attempt: Attempt::Page,
        }
    }
}

/// What to do about the `left` bytes from `stopped` on, of which at least `hole_length` cannot be
/// read. After a long hole the rest is asked for as a whole. A short hole has more of its kind
/// nearby, unless it is the first one in physical memory: then the pages are asked for one by one, all
/// in one request.
pub(super) fn retry(
    attempt: Attempt,
    number: usize,
    (stopped, left): (Source, u64),
    hole_length: u64,
) -> Retry {
    if attempt == Attempt::Page {
        return Retry::nothing(left);
    }
    let hole = match hole_length {
        0 => to_page_end(stopped),
        known => known,
    }
    .min(left);
    let range = Range {
        source: stopped,
        length: left,
    };
    let Some((source, length)) = rest(range, hole) else {
        return Retry::nothing(left);
    };
    let range = Range { source, length };
    let first = attempt == Attempt::First && matches!(source, Source::Physical(_));
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

/// A range, cut where pages end.
fn pages(number: usize, range: Range) -> Vec<Part> {
    let mut pages = Vec::new();
    let mut left = Some((range.source, range.length));
    while let Some((source, length)) = left {
        let page = Range {
            source,
            length: to_page_end(source).min(length),
        };
        pages.push(Part {
            number,
            range: page,
        });
        left = rest(Range { source, length }, page.length);
    }
    pages
}

/// Takes up to `length` bytes off the next part, if it is one of this range, and says which.
pub(super) fn skip(parts: &mut VecDeque<Part>, number: usize, length: u64) -> Option<Range> {
    if length == 0 {
        return None;
    }
    let part = parts.pop_front_if(|part| part.number == number)?;
    let skipped = part.range.length.min(length);
    if let Some((source, length)) = rest(part.range, skipped) {
        parts.push_front(Part {
            range: Range { source, length },
            ..part
        });
    }
    Some(Range {
        length: skipped,
        ..part.range
    })
}

/// What is left of the ranges, when so many bytes of the output are done.
pub(super) fn remaining(ranges: &[Range], done: u64) -> VecDeque<Part> {
    let mut before = done;
    let mut parts = VecDeque::new();
    for (number, range) in ranges.iter().enumerate() {
        let skipped = before.min(range.length);
        before -= skipped;
        if let Some((source, length)) = rest(*range, skipped) {
            parts.push_back(Part {
                number,
                range: Range { source, length },
            });
        }
    }
    parts
}

/// Takes as much from the parts as one request asks for, which is at most `room` bytes.
pub(super) fn next_request(parts: &mut VecDeque<Part>, mut room: u64) -> Vec<Part> {
    let mut request = Vec::new();
    while room > 0 && request.len() < MAXIMUM_ENTRIES as usize {
        let Some(part) = parts.pop_front() else {
            break;
        };
        let length = part.range.length.min(room);
        if let Some((source, left)) = rest(part.range, length) {
            parts.push_front(Part {
                range: Range {
                    source,
                    length: left,
                },
                ..part
            });
        }
        request.push(Part {
            range: Range {
                length,
                ..part.range
            },
            ..part
        });
        room -= length;
    }
    request
}
