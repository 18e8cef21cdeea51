//! `ringcopy read`: virtual or physical memory, a request at a time.

use std::{
    fs::File,
    io::{self, Write},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringcopy_protocol::{Direction, Engine, NtStatus};
use serde_json::Value;

use super::{
    Stop, View,
    arguments::ReadArguments,
    record::{Document, Record, engine_name, hexadecimal},
};
use crate::{
    Device, OpenAccess, Operation, Source, Transfer, Transport, explain_transfer, hexdump,
};

/// The most bytes that one of the command's requests asks for.
const CHUNK: u64 = 1 << 20;

pub(super) fn perform(
    arguments: &ReadArguments,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let mut device = Device::open(transport, OpenAccess::Read)?;
    let mut sink = Sink::open(arguments, view.json)?;
    let length = arguments.length;
    let source = arguments.source();
    let progress = progress(view, length);
    let mut total = Transfer {
        operation: Operation::CopyMemory,
        status: NtStatus::SUCCESS,
        asked: length,
        copied: 0,
        address: None,
        direction: Direction::None,
        engine: Engine::Auto,
        fell_back: false,
        source: Some(source),
    };
    let mut buffer = Vec::new();
    loop {
        let chunk = CHUNK.min(length - total.copied);
        // The conversion cannot fail: a chunk is small.
        buffer.resize(usize::try_from(chunk).unwrap_or_default(), 0);
        let Some(at) = advance(source, total.copied) else {
            total.status = NtStatus::INVALID_ADDRESS;
            break;
        };
        let part = match device.copy_memory(at, arguments.engine.into(), &mut buffer) {
            Ok(part) => part,
            Err(error) => {
                sink.close(document);
                return Err(error.into());
            }
        };
        let copied = usize::try_from(part.copied).unwrap_or_default();
        progress.suspend(|| sink.put(view, address_of(at), &buffer[..copied]))?;
        total = Transfer {
            asked: length,
            copied: total.copied + part.copied,
            ..part
        };
        progress.set_position(total.copied);
        if !part.is_complete() || total.copied == length {
            break;
        }
    }
    progress.finish_and_clear();
    sink.close(document);
    finish(arguments, source, &total, view, document)
}

fn finish(
    arguments: &ReadArguments,
    source: Source,
    total: &Transfer,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let kind = match source {
        Source::Virtual(_) => "virtual",
        Source::Physical(_) => "physical",
    };
    document.record(
        Record::of_transfer(total)
            .with("kind", kind)
            .with("from", hexadecimal(address_of(source))),
    );
    if let Some(explanation) = explain_transfer(total) {
        document.fault();
        view.remark(&explanation)?;
    } else if let Some(path) = &arguments.output {
        let engine = engine_name(total.engine).map_or(String::new(), |name| {
            format!(", copied by the {name} engine")
        });
        view.line(&format!(
            "{} bytes written to {}{engine}",
            total.copied,
            path.display()
        ))?;
    }
    Ok(())
}

const fn address_of(source: Source) -> u64 {
    match source {
        Source::Virtual(address) | Source::Physical(address) => address,
    }
}

fn advance(source: Source, by: u64) -> Option<Source> {
    Some(match source {
        Source::Virtual(address) => Source::Virtual(address.checked_add(by)?),
        Source::Physical(address) => Source::Physical(address.checked_add(by)?),
    })
}

fn progress(view: &View<'_, '_>, length: u64) -> ProgressBar {
    let target = if view.console.progress && length > CHUNK {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {binary_bytes}/{binary_total_bytes} {eta}")
    {
        bar.set_style(style);
    }
    bar
}

/// Where the bytes go.
enum Sink {
    /// To people.
    Dump,
    /// Into the document.
    Hexadecimal(String),
    /// Into a file, whose name this is.
    File(File, String),
}

impl Sink {
    fn open(arguments: &ReadArguments, json: bool) -> Result<Self, Stop> {
        match &arguments.output {
            Some(path) => {
                let name = path.display().to_string();
                match File::create(path) {
                    Ok(file) => Ok(Self::File(file, name)),
                    Err(error) => Err(cannot_write(&name, &error)),
                }
            }
            None if json => Ok(Self::Hexadecimal(String::new())),
            None => Ok(Self::Dump),
        }
    }

    fn put(&mut self, view: &mut View<'_, '_>, address: u64, bytes: &[u8]) -> Result<(), Stop> {
        match self {
            Self::Dump => Ok(hexdump(view.console.out, address, bytes)?),
            Self::Hexadecimal(text) => {
                text.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
                Ok(())
            }
            Self::File(file, name) => file
                .write_all(bytes)
                .map_err(|error| cannot_write(name, &error)),
        }
    }

    fn close(&mut self, document: &mut Document) {
        match self {
            Self::Dump => {}
            Self::Hexadecimal(text) => document.detail("data", std::mem::take(text)),
            Self::File(_, name) => document.detail("output", Value::String(name.clone())),
        }
    }
}

fn cannot_write(name: &str, error: &io::Error) -> Stop {
    Stop::File(format!(
        "cannot write {name}: {error}; name another file with --output."
    ))
}
