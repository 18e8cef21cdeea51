//! What is still to be read, and in which requests.

use std::collections::VecDeque;

use ringcopy_protocol::MAXIMUM_ENTRIES;

use crate::{PAGE_LENGTH, Source, cli::wanted::Range};

/// The most bytes that one of the command's requests asks for.
pub(super) const CHUNK: u64 = 1 << 20;

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

/// Bytes from here to the end of the page, and the pages behind them.
pub(super) fn pages(number: usize, stopped: Source, left: u64) -> (u64, Vec<Part>) {
    let hole = (PAGE_LENGTH - stopped.address() % PAGE_LENGTH).min(left);
    let mut pages = Vec::new();
    let mut done = hole;
    while done < left {
        let length = PAGE_LENGTH.min(left - done);
        let Some(source) = stopped.checked_add(done) else {
            break;
        };
        pages.push(Part {
            number,
            range: Range { source, length },
        });
        done += length;
    }
    (hole, pages)
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

/// Takes as much from the parts as one request asks for.
pub(super) fn next_request(parts: &mut VecDeque<Part>) -> Vec<Part> {
    let mut request = Vec::new();
    let mut room = CHUNK;
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
