//! `ringcopy read`: ranges of virtual or physical memory, many pieces at a time.
//!
//! Where memory ends within a range, there is a hole, and what lies after it is read all the same. As
//! far as the driver says that the hole reaches, nothing is asked for; where it cannot say, the rest
//! is tried page by page.
//!
//! - `plan`: which parts of the ranges one request asks for.
//! - `holes`, `outcome`: what was missing, and what has become of each range.
//! - `sink`: where the bytes go: `dump`, `stream`, or `output`, which `sidecar` lets a later read go
//!   on with.
//! - `form`, `image`: what an image of memory looks like, and how it is put into a file.
//! - `target`: the file, which is left alone until there is something to put into it.
//! - `map`: which memory an image has, for whom it is not told by the image.
//! - `report`: what the user is told.

mod dump;
pub(super) mod form;
mod holes;
mod image;
mod map;
mod output;
mod plan;
mod range_result;
mod report;
mod sidecar;
mod sink;
mod stream;
mod target;

use std::{collections::VecDeque, time::Instant};

use indicatif::ProgressBar;
use ringcopy_protocol::{Direction, Engine, NtStatus};

use super::{
    Stop, View,
    arguments::ReadArguments,
    range_argument::{self, Range},
    record::Document,
};
use crate::{Device, OpenAccess, Piece, Transfer, Transport};
use form::Form;
use holes::{Hole, Holes};
use plan::{
    Attempt, CHUNK, CHUNK_AFTER_HOLE, Part, Retry, next_request, remaining, rest, retry, skip,
};
use range_result::{Outcome, add_earlier, outcomes};
use report::{Finished, finish, progress, report};
use sink::Sink;

pub(super) fn perform(
    arguments: &ReadArguments,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    if view.bytes_on_out && view.console.terminal && !arguments.hex {
        return Err(Stop::File(
            "standard output is a terminal, and memory is no text; redirect it, name a file with \
             --output, or leave --output out."
                .into(),
        ));
    }
    let mut ranges = arguments.ranges.all(view.console.input)?;
    let mut device = Device::open(transport, OpenAccess::Read)?;
    if arguments.all_ram {
        ranges = range_argument::of_ram(&device.memory_ranges()?)?;
    }
    let form = arguments.form();
    if form == Form::Lime {
        // Its readers take addresses in their order alone.
        ranges.sort_unstable_by_key(|range| range.source.address());
    }
    let total = range_argument::total(&ranges)
        .and_then(|total| arguments.judge_total(view.json, total).map(|()| total))
        .and_then(|total| arguments.judge_form(&ranges).map(|()| total))
        .map_err(|sentence| Stop::File(format!("{sentence}.")))?;
    let (sink, earlier) = Sink::open(arguments, form, &ranges, view.json)?;
    let mut reading = Reading {
        device,
        engine: arguments.engine.into(),
        position: sink.position(),
        holes: Holes::default(),
        hole: None,
        beyond: None,
        outcomes: outcomes(&ranges),
        refused: None,
        progress: progress(view, total),
        sink,
    };
    let resumed = reading.position;
    add_earlier(&mut reading.outcomes, resumed, &earlier);
    for (at, hole) in earlier {
        reading.holes.add(at, hole);
    }
    let begun = Instant::now();
    reading.progress.set_position(resumed);
    reading.progress.reset_eta();
    let done = reading.all(&ranges, view);
    reading.progress.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    let Reading {
        position,
        holes,
        outcomes,
        sink,
        ..
    } = reading;
    let has_map = arguments.all_ram && sink.is_file();
    let closed = sink.close(done.is_ok(), view, document);
    report(&outcomes, &holes, form, document);
    if resumed > 0 {
        document.detail("resumed_at", resumed);
    }
    let is_untouched = done.and(closed)?;
    if let Some(path) = &arguments.output
        && has_map
        && !is_untouched
    {
        map::write(path, form, &ranges, &holes)?;
        document.detail("map", map::path_of(path).display().to_string());
    }
    finish(
        &Finished {
            arguments,
            resumed,
            written: position,
            seconds,
            is_untouched,
            has_map,
        },
        &outcomes,
        &holes,
        view,
        document,
    )
}

/// A read that is under way.
struct Reading<'t, 't2> {
    device: Device<'t, dyn Transport + 't2>,
    engine: Engine,
    /// Bytes of the output that are done, holes included.
    position: u64,
    holes: Holes,
    /// The hole that may still go on, and that the sink does not have yet.
    hole: Option<Hole>,
    /// The hole that the last piece of the last request ends in, as far as it reaches beyond that
    /// piece: of which range, how many bytes, and why.
    beyond: Option<(usize, u64, NtStatus)>,
    /// One for each range.
    outcomes: Vec<Outcome>,
    /// The range of which the last piece was refused, for other reasons than its memory.
    refused: Option<usize>,
    progress: ProgressBar,
    sink: Sink,
}

impl Reading<'_, '_> {
    fn all(&mut self, ranges: &[Range], view: &mut View<'_, '_>) -> Result<(), Stop> {
        let mut parts = remaining(ranges, self.position);
        let mut room = CHUNK;
        while !parts.is_empty() {
            self.request(&next_request(&mut parts, room), Attempt::First, view)?;
            room = CHUNK;
            if let Some((number, length, status)) = self.beyond.take()
                && let Some(Range { source, length }) = skip(&mut parts, number, length)
            {
                self.miss(
                    Hole {
                        source,
                        length,
                        status,
                    },
                    view,
                )?;
                room = CHUNK_AFTER_HOLE;
            }
            if self.sink.takes_parts_of_holes() {
                self.put_hole(view)?;
            }
            // The rest of a range that was refused would be refused as well.
            while let Some((hole, part)) = self.refused(&mut parts) {
                self.miss(
                    Hole {
                        source: part.source,
                        length: part.length,
                        status: hole,
                    },
                    view,
                )?;
            }
        }
        self.put_hole(view)
    }

    /// Reads some parts, and what is left of those that stop short, in their order.
    fn request(
        &mut self,
        parts: &[Part],
        attempt: Attempt,
        view: &mut View<'_, '_>,
    ) -> Result<(), Stop> {
        let pieces: Vec<_> = parts
            .iter()
            .map(|part| Piece {
                source: part.range.source,
                // A part is no longer than a chunk.
                length: u32::try_from(part.range.length).unwrap_or(u32::MAX),
            })
            .collect();
        let batch = self.device.copy_batch(&pieces, self.engine)?;
        for (part, (transfer, bytes)) in parts.iter().zip(batch.pieces()) {
            self.take(part, transfer, bytes, view)?;
            self.beyond = None;
            let Some((stopped, left)) = rest(part.range, transfer.copied) else {
                continue;
            };
            let status = transfer.status;
            let retry = if is_memorys_fault(transfer) {
                let beyond = transfer.hole_length.checked_sub(left);
                self.beyond = beyond.map(|length| (part.number, length, status));
                retry(attempt, part.number, (stopped, left), transfer.hole_length)
            } else {
                self.refused = Some(part.number);
                self.sink.refuse(transfer)?;
                Retry::nothing(left)
            };
            self.miss(
                Hole {
                    source: stopped,
                    length: retry.hole,
                    status,
                },
                view,
            )?;
            if !retry.parts.is_empty() {
                self.request(&retry.parts, retry.attempt, view)?;
            }
        }
        Ok(())
    }

    /// Takes what arrived of a part.
    fn take(
        &mut self,
        part: &Part,
        transfer: &Transfer,
        bytes: &[u8],
        view: &mut View<'_, '_>,
    ) -> Result<(), Stop> {
        if let Some(outcome) = self.outcomes.get_mut(part.number) {
            outcome.add(transfer);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.put_hole(view)?;
        let sink = &mut self.sink;
        self.progress
            .suspend(|| sink.bytes(view, part.range.source.address(), bytes))?;
        self.advance(bytes.len() as u64);
        Ok(())
    }

    /// Takes a hole.
    fn miss(&mut self, hole: Hole, view: &mut View<'_, '_>) -> Result<(), Stop> {
        self.holes.add(self.position, hole);
        self.advance(hole.length);
        match &mut self.hole {
            Some(last) if last.goes_on_with(&hole) => last.length += hole.length,
            _ => {
                self.put_hole(view)?;
                self.hole = Some(hole);
            }
        }
        Ok(())
    }

    /// Lets the sink have the hole that has come to its end.
    fn put_hole(&mut self, view: &mut View<'_, '_>) -> Result<(), Stop> {
        let Some(hole) = self.hole.take() else {
            return Ok(());
        };
        let sink = &mut self.sink;
        self.progress.suspend(|| sink.hole(view, &hole))
    }

    /// The next part, if it belongs to the range that was refused, and why that was.
    fn refused(&self, parts: &mut VecDeque<Part>) -> Option<(NtStatus, Range)> {
        let number = self.refused?;
        let part = parts.pop_front_if(|part| part.number == number)?;
        let stopped = self.outcomes.get(number)?.stopped?;
        Some((stopped.status, part.range))
    }

    fn advance(&mut self, bytes: u64) {
        self.position += bytes;
        self.progress.set_position(self.position);
    }
}

/// Whether it was the memory that stopped a copy: then what lies behind may be readable. A refusal
/// would be the same there.
fn is_memorys_fault(transfer: &Transfer) -> bool {
    transfer.direction == Direction::Read
}
