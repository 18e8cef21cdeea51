//! `ringcopy read`: ranges of virtual or physical memory, many pieces at a time.
//!
//! Where memory ends within a range, there is a hole, and what follows it is read too. The driver
//! says how far a hole reaches, and nothing is asked for up to there; if it cannot say, the rest is
//! read page by page.
//!
//! - `plan`: which parts of the ranges one request asks for.
//! - `holes`, `range_result`: what was missing, and the result of each range.
//! - `sink`: where the bytes go: to the document, a `stream`, or an `output`. A read to an `output`
//!   can be continued from its `sidecar`.
//! - `form`, `image`, `hexdump`: the formats.
//! - `target`: the file, which keeps its contents until a byte is written.
//! - `map`: the ranges and holes of an image.
//! - `report`: what the user sees.

pub(super) mod form;
mod hexdump;
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
use ringcopy_protocol::{Direction, EngineKind, NtStatus};

use super::{
    Stop,
    arguments::ReadArguments,
    range_argument::{self, Range},
    view::View,
};
use crate::{CopyReport, Device, OpenAccess, Piece, Transport};
use form::Form;
use holes::{Hole, Holes};
use plan::{
    Attempt, CHUNK, CHUNK_AFTER_HOLE, Part, Retry, next_request, remaining, rest, retry, skip,
};
use range_result::{RangeResult, add_earlier, results};
use report::{Finished, finish, progress, report};
use sink::Sink;

pub(super) fn run(
    arguments: &ReadArguments,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    if view.bytes_on_out && view.console.terminal && !arguments.hex {
        return Err(Stop::Sentence(
            "standard output is a terminal, and memory is not text; redirect it, name a file with \
             --output, or leave --output out."
                .into(),
        ));
    }
    let mut ranges = arguments.ranges.all(view.console.input)?;
    let mut device = Device::open(transport, OpenAccess::Read)?;
    let user_limit = device.information()?.user_limit;
    if arguments.all_ram {
        ranges = range_argument::of_ram(&device.memory_ranges()?)?;
    }
    let form = arguments.form();
    if form == Form::Lime {
        // Its readers need the addresses in ascending order.
        ranges.sort_unstable_by_key(|range| range.source.address());
    }
    let total = range_argument::total(&ranges)
        .and_then(|total| arguments.validate_total(view.json, total).map(|()| total))
        .and_then(|total| arguments.validate_form(&ranges).map(|()| total))
        .map_err(|sentence| Stop::Sentence(format!("{sentence}.")))?;
    let (sink, earlier) = Sink::open(arguments, form, &ranges, view.json)?;
    let mut reading = Reading {
        device,
        engine: arguments.engine.into(),
        position: sink.position(),
        holes: Holes::default(),
        hole: None,
        beyond: None,
        results: results(&ranges, user_limit),
        user_limit,
        refused: None,
        progress: progress(view, total),
        sink,
    };
    let resumed = reading.position;
    add_earlier(&mut reading.results, resumed, &earlier);
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
        results,
        sink,
        ..
    } = reading;
    let has_map = arguments.all_ram && sink.is_file();
    let closed = sink.close(done.is_ok(), view);
    report(&results, &holes, form, &mut view.document);
    if resumed > 0 {
        view.document.detail("resumed_at", resumed);
    }
    let is_untouched = done.and(closed)?;
    if let Some(path) = &arguments.output
        && has_map
        && !is_untouched
    {
        map::write(path, form, &ranges, &holes)?;
        let map = map::path_of(path).display().to_string();
        view.document.detail("map", map);
    }
    let finished = Finished {
        arguments,
        resumed,
        written: position,
        seconds,
        is_untouched,
        has_map,
    };
    finish(&finished, &results, &holes, view)
}

/// A read in progress.
struct Reading<'t, 't2> {
    device: Device<'t, dyn Transport + 't2>,
    engine: EngineKind,
    /// Bytes of the output that are done, holes included.
    position: u64,
    holes: Holes,
    /// The last hole, which may continue and was not put into the sink yet.
    hole: Option<Hole>,
    /// The hole after the last piece of the last request: the index of its range, its length, and
    /// the reason.
    beyond: Option<(usize, u64, NtStatus)>,
    /// One for each range.
    results: Vec<RangeResult>,
    /// The driver's.
    user_limit: u64,
    /// The index of the range that was refused for a reason other than its memory.
    refused: Option<usize>,
    progress: ProgressBar,
    sink: Sink,
}

impl Reading<'_, '_> {
    fn all(&mut self, ranges: &[Range], view: &mut View<'_, '_>) -> Result<(), Stop> {
        let mut parts = remaining(ranges, self.position);
        let mut most = CHUNK;
        while !parts.is_empty() {
            self.request(&next_request(&mut parts, most), Attempt::First, view)?;
            most = CHUNK;
            if let Some((number, length, status)) = self.beyond.take()
                && let Some(skipped) = skip(&mut parts, number, length)
            {
                self.miss(Hole::of(skipped, status), view)?;
                most = CHUNK_AFTER_HOLE;
            }
            if self.sink.takes_parts_of_holes() {
                self.put_hole(view)?;
            }
            // The rest of a refused range would be refused too.
            while let Some(hole) = self.refused(&mut parts) {
                self.miss(hole, view)?;
            }
        }
        self.put_hole(view)
    }

    /// Reads parts, and what is left of those that stop early, in order.
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
        for (part, (report, bytes)) in parts.iter().zip(batch.pieces()) {
            self.take(part, report, bytes, view)?;
            self.beyond = None;
            let Some(left) = rest(part.range, report.result.copied) else {
                continue;
            };
            let status = report.result.status();
            let retry = if stopped_at_memory(report) {
                let beyond = report.result.hole_length.checked_sub(left.length);
                self.beyond = beyond.map(|length| (part.number, length, status));
                retry(attempt, part.number, left, report.result.hole_length)
            } else {
                self.refused = Some(part.number);
                self.sink.refuse(report, self.user_limit)?;
                Retry::nothing(left.length)
            };
            let length = retry.hole;
            self.miss(Hole::of(Range { length, ..left }, status), view)?;
            if !retry.parts.is_empty() {
                self.request(&retry.parts, retry.attempt, view)?;
            }
        }
        Ok(())
    }

    /// Takes the bytes that arrived of a part.
    fn take(
        &mut self,
        part: &Part,
        report: &CopyReport,
        bytes: &[u8],
        view: &mut View<'_, '_>,
    ) -> Result<(), Stop> {
        if let Some(result) = self.results.get_mut(part.number) {
            result.add(report);
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
        if !self.hole.as_mut().is_some_and(|last| last.extend(&hole)) {
            self.put_hole(view)?;
            self.hole = Some(hole);
        }
        Ok(())
    }

    /// Puts the last hole into the sink.
    fn put_hole(&mut self, view: &mut View<'_, '_>) -> Result<(), Stop> {
        let Some(hole) = self.hole.take() else {
            return Ok(());
        };
        let sink = &mut self.sink;
        self.progress.suspend(|| sink.hole(view, &hole))
    }

    /// Removes the next part if its range was refused. Returns it as a hole.
    fn refused(&self, parts: &mut VecDeque<Part>) -> Option<Hole> {
        let number = self.refused?;
        let part = parts.pop_front_if(|part| part.number == number)?;
        let stopped = self.results.get(number)?.stopped?;
        Some(Hole::of(part.range, stopped.result.status()))
    }

    fn advance(&mut self, bytes: u64) {
        self.position += bytes;
        self.progress.set_position(self.position);
    }
}

/// Returns whether memory stopped a copy, and not a refusal: what follows it may be readable.
fn stopped_at_memory(report: &CopyReport) -> bool {
    report.result.direction() == Direction::Read
}
