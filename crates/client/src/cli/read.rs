//! `ringcopy read`: ranges of virtual or physical memory, many pieces at a time.
//!
//! Where memory ends within a range, the rest of it is tried page by page: what cannot be read is a
//! hole, and what lies behind it is read all the same.
//!
//! Long, because one read is one state: what is wanted, what was answered, where the next request
//! begins; the output's forms and the holes have rooms of their own beside it.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufWriter, Write},
    time::Instant,
};

use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringcopy_protocol::{Direction, Engine, MAXIMUM_ENTRIES, NtStatus};

use super::{
    Stop, View,
    arguments::ReadArguments,
    holes::{Hole, Holes},
    output::{Output, cannot_write},
    record::{Document, Record, engine_name, hexadecimal},
    wanted::{self, Range},
};
use crate::{
    Device, HexDump, OpenAccess, Operation, PAGE_LENGTH, Piece, Transfer, Transport,
    explain::explain_stop, explain_hole, explain_transfer,
};

/// The most bytes that one of the command's requests asks for.
const CHUNK: u64 = 1 << 20;

pub(super) fn perform(
    arguments: &ReadArguments,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let ranges = arguments.wanted.all()?;
    let total = wanted::total(&ranges)
        .and_then(|total| arguments.judge_total(view.json, total).map(|()| total))
        .map_err(|sentence| Stop::File(format!("{sentence}.")))?;
    let device = Device::open(transport, OpenAccess::Read)?;
    let (sink, earlier) = Sink::open(arguments, &ranges, view.json)?;
    let mut reading = Reading {
        device,
        engine: arguments.engine.into(),
        position: sink.position(),
        holes: Holes::default(),
        hole: None,
        outcomes: outcomes(&ranges),
        refused: None,
        progress: progress(view, total),
        sink,
    };
    for (at, hole) in earlier {
        reading.note(at, hole);
    }
    let resumed = reading.position;
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
    let closed = sink.close(done.is_ok(), view, document);
    report(&outcomes, &holes, document);
    if resumed > 0 {
        document.detail("resumed_at", resumed);
    }
    done.and(closed)?;
    finish(
        &Finished {
            arguments,
            resumed,
            written: position,
            seconds,
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
    /// One for each range.
    outcomes: Vec<Outcome>,
    /// The range of which the last piece was refused, for other reasons than its memory.
    refused: Option<usize>,
    progress: ProgressBar,
    sink: Sink,
}

/// What has become of a range so far.
struct Outcome {
    /// Where it begins in the output.
    at: u64,
    transfer: Transfer,
    /// The copy that stopped first.
    stopped: Option<Transfer>,
}

impl Outcome {
    /// What is missing and why, in a sentence.
    fn explanation(&self) -> Option<String> {
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

/// A part of a range that one piece of a request asks for.
#[derive(Clone, Copy)]
struct Part {
    /// Which range.
    number: usize,
    range: Range,
}

fn outcomes(ranges: &[Range]) -> Vec<Outcome> {
    let mut at = 0;
    ranges
        .iter()
        .map(|range| {
            let outcome = Outcome {
                at,
                transfer: Transfer {
                    operation: Operation::CopyMemory,
                    status: NtStatus::SUCCESS,
                    asked: range.length,
                    copied: 0,
                    address: None,
                    direction: Direction::None,
                    engine: Engine::Auto,
                    fell_back: false,
                    source: Some(range.source),
                },
                stopped: None,
            };
            at += range.length;
            outcome
        })
        .collect()
}

impl Reading<'_, '_> {
    fn all(&mut self, ranges: &[Range], view: &mut View<'_, '_>) -> Result<(), Stop> {
        let mut parts = remaining(ranges, self.position);
        while !parts.is_empty() {
            self.request(&next_request(&mut parts), true, view)?;
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

    /// Reads some parts. `whole`: what stops short is looked into page by page.
    fn request(
        &mut self,
        parts: &[Part],
        whole: bool,
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
            let Some((stopped, left)) = rest(part.range, transfer.copied) else {
                continue;
            };
            let status = transfer.status;
            if !is_memorys_fault(transfer) {
                self.refused = Some(part.number);
                self.sink.refuse(transfer)?;
            }
            let (hole, pages) = if whole && is_memorys_fault(transfer) {
                pages(part.number, stopped, left)
            } else {
                (left, Vec::new())
            };
            self.miss(
                Hole {
                    source: stopped,
                    length: hole,
                    status,
                },
                view,
            )?;
            if !pages.is_empty() {
                self.request(&pages, false, view)?;
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
            let so_far = &mut outcome.transfer;
            so_far.copied += transfer.copied;
            so_far.fell_back |= transfer.fell_back;
            if transfer.engine != Engine::Auto || transfer.copied > 0 {
                so_far.engine = transfer.engine;
            }
            if !transfer.is_complete() && outcome.stopped.is_none() {
                so_far.status = transfer.status;
                so_far.address = transfer.address;
                so_far.direction = transfer.direction;
                outcome.stopped = Some(Transfer {
                    operation: so_far.operation,
                    copied: so_far.copied,
                    source: so_far.source,
                    ..*transfer
                });
            }
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

    /// Notes a hole that an earlier read left.
    fn note(&mut self, at: u64, hole: Hole) {
        self.holes.add(at, hole);
        let outcome = self
            .outcomes
            .iter_mut()
            .rev()
            .find(|outcome| outcome.at <= at);
        if let Some(outcome) = outcome.filter(|outcome| outcome.stopped.is_none()) {
            let so_far = &mut outcome.transfer;
            so_far.status = hole.status;
            so_far.direction = Direction::Read;
            so_far.address = Some(hole.source.address());
            outcome.stopped = Some(Transfer {
                copied: at - outcome.at,
                ..*so_far
            });
        }
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

/// What a copy left of a range: where, and how many bytes.
fn rest(range: Range, copied: u64) -> Option<(crate::Source, u64)> {
    let left = range.length.checked_sub(copied).filter(|&left| left > 0)?;
    Some((range.source.checked_add(copied)?, left))
}

/// Bytes from here to the end of the page, and the pages behind them.
fn pages(number: usize, stopped: crate::Source, left: u64) -> (u64, Vec<Part>) {
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
fn remaining(ranges: &[Range], done: u64) -> VecDeque<Part> {
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
fn next_request(parts: &mut VecDeque<Part>) -> Vec<Part> {
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

fn report(outcomes: &[Outcome], holes: &Holes, document: &mut Document) {
    for outcome in outcomes {
        let transfer = &outcome.transfer;
        let part = outcome.at..outcome.at.saturating_add(transfer.asked);
        let (kind, from) = transfer
            .source
            .map_or(("", 0), |source| (source.kind(), source.address()));
        document.record(
            Record::of_transfer(transfer)
                .explained(outcome.explanation())
                .with("kind", kind)
                .with("from", hexadecimal(from))
                .with("holes", holes.within(part).count()),
        );
    }
    let (list, omitted) = holes.document();
    document.detail("holes", list);
    document.detail("holes_omitted", omitted);
}

/// How a read went that came to its end.
struct Finished<'a> {
    arguments: &'a ReadArguments,
    /// Bytes that were there before.
    resumed: u64,
    /// Bytes that are there now.
    written: u64,
    seconds: f64,
}

fn finish(
    finished: &Finished<'_>,
    outcomes: &[Outcome],
    holes: &Holes,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let rate = rate(finished.written - finished.resumed, finished.seconds);
    document.detail("seconds", finished.seconds);
    document.detail("bytes_per_second", rate);
    if let Some(path) = &finished.arguments.output
        && holes.bytes < finished.written
    {
        let engine = outcomes
            .last()
            .and_then(|outcome| engine_name(outcome.transfer.engine))
            .map_or(String::new(), |name| {
                format!(", copied by the {name} engine")
            });
        let zeros = match holes.bytes {
            0 => String::new(),
            bytes => format!(", of which {bytes} are holes"),
        };
        view.line(&format!(
            "{} bytes written to {}{engine}, {}/s{zeros}",
            finished.written,
            path.display(),
            BinaryBytes(rate)
        ))?;
    }
    if holes.bytes > 0 {
        document.fault();
    }
    for outcome in outcomes {
        if let Some(explanation) = outcome.explanation() {
            document.fault();
            view.remark(&explanation)?;
        }
    }
    holes.show(view)?;
    Ok(())
}

fn rate(bytes: u64, seconds: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people; a cast of a float saturates"
    )]
    let rate = (bytes as f64 / seconds.max(1e-9)) as u64;
    rate
}

fn progress(view: &View<'_, '_>, length: u64) -> ProgressBar {
    let target = if view.console.progress && length > CHUNK {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template(
        "{bar:40} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
    ) {
        bar.set_style(style);
    }
    bar
}

/// Where the bytes go.
enum Sink {
    /// To people.
    Dump(Option<Dump>),
    /// Into a file for people, whose name this is.
    DumpFile(Option<Dump>, BufWriter<File>, String),
    /// Into the document.
    Hexadecimal(String),
    /// Into a file, whose name this is.
    File(Output, String),
}

/// A dump, and the address that it has come to.
struct Dump {
    dump: HexDump,
    next: u64,
}

impl Sink {
    fn open(
        arguments: &ReadArguments,
        ranges: &[Range],
        json: bool,
    ) -> Result<(Self, Vec<(u64, Hole)>), Stop> {
        let sink = match &arguments.output {
            Some(path) if arguments.hex => {
                let name = path.display().to_string();
                let file = File::create(path).map_err(|error| cannot_write(&name, &error))?;
                Self::DumpFile(None, BufWriter::new(file), name)
            }
            Some(path) => {
                let (output, holes) = Output::open(path, ranges, arguments.resume)?;
                return Ok((Self::File(output, path.display().to_string()), holes));
            }
            None if json => Self::Hexadecimal(String::new()),
            None => Self::Dump(None),
        };
        Ok((sink, Vec::new()))
    }

    const fn position(&self) -> u64 {
        match self {
            Self::File(output, _) => output.written,
            _ => 0,
        }
    }

    fn bytes(&mut self, view: &mut View<'_, '_>, address: u64, bytes: &[u8]) -> Result<(), Stop> {
        match self {
            Self::Dump(dump) => Ok(put_bytes(dump, view.console.out, address, bytes)?),
            Self::DumpFile(dump, file, name) => {
                put_bytes(dump, file, address, bytes).map_err(|error| cannot_write(name, &error))
            }
            Self::Hexadecimal(text) => {
                text.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
                Ok(())
            }
            Self::File(output, _) => output.bytes(bytes),
        }
    }

    fn hole(&mut self, view: &mut View<'_, '_>, hole: &Hole) -> Result<(), Stop> {
        match self {
            Self::Dump(dump) => Ok(put_hole(dump, view.console.out, hole)?),
            Self::DumpFile(dump, file, name) => {
                put_hole(dump, file, hole).map_err(|error| cannot_write(name, &error))
            }
            Self::Hexadecimal(text) => {
                text.extend((0..hole.length).map(|_| "??"));
                Ok(())
            }
            Self::File(output, _) => output.hole(hole.length, hole.status),
        }
    }

    /// Ends a read into a file that may be gone on with, once what was missing is there.
    fn refuse(&self, transfer: &Transfer) -> Result<(), Stop> {
        match (self, explain_transfer(transfer)) {
            (Self::File(..), Some(explanation)) => Err(Stop::File(explanation)),
            _ => Ok(()),
        }
    }

    /// `complete`: the read came to its end.
    fn close(
        self,
        complete: bool,
        view: &mut View<'_, '_>,
        document: &mut Document,
    ) -> Result<(), Stop> {
        match self {
            Self::Dump(dump) => match dump {
                Some(dump) => Ok(dump.dump.finish(view.console.out)?),
                None => Ok(()),
            },
            Self::DumpFile(dump, mut file, name) => {
                let written = dump
                    .map_or(Ok(()), |dump| dump.dump.finish(&mut file))
                    .and_then(|()| file.flush())
                    .map_err(|error| cannot_write(&name, &error));
                document.detail("output", name);
                written
            }
            Self::Hexadecimal(text) => {
                document.detail("data", text);
                Ok(())
            }
            Self::File(output, name) => {
                document.detail("output", name);
                if complete {
                    return output.complete();
                }
                document.detail("written", output.written);
                if let Some(sentence) = output.unfinished() {
                    view.remark(&sentence)?;
                }
                Ok(())
            }
        }
    }
}

/// The dump that goes on at this address.
fn dump_at<'d>(
    dump: &'d mut Option<Dump>,
    out: &mut dyn Write,
    address: u64,
) -> std::io::Result<&'d mut Dump> {
    if let Some(ended) = dump.take_if(|dump| dump.next != address) {
        ended.dump.finish(out)?;
    }
    Ok(dump.get_or_insert_with(|| Dump {
        dump: HexDump::at(address),
        next: address,
    }))
}

fn put_bytes(
    dump: &mut Option<Dump>,
    out: &mut dyn Write,
    address: u64,
    bytes: &[u8],
) -> std::io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let dump = dump_at(dump, out, address)?;
    dump.next = address.wrapping_add(bytes.len() as u64);
    dump.dump.bytes(out, bytes)
}

fn put_hole(dump: &mut Option<Dump>, out: &mut dyn Write, hole: &Hole) -> std::io::Result<()> {
    let address = hole.source.address();
    let dump = dump_at(dump, out, address)?;
    dump.next = address.wrapping_add(hole.length);
    let reason = format!("{} ({})", hole.status, explain_hole(hole.status));
    dump.dump.hole(out, hole.length, &reason)
}
