//! The forms in which the bytes that were read leave the program.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use super::{
    dump::Dump,
    holes::Hole,
    output::{Output, cannot_write},
};
use crate::{
    Transfer,
    cli::{Stop, View, arguments::ReadArguments, record::Document, wanted::Range},
    explain_transfer,
};

/// Where the bytes go.
pub(super) enum Sink {
    /// To people.
    Dump(Dump),
    /// Into a file for people, whose name this is.
    DumpFile(Dump, BufWriter<File>, String),
    /// Into the document.
    Hexadecimal(String),
    /// Into a file, whose name this is.
    File(Output, String),
}

impl Sink {
    pub(super) fn open(
        arguments: &ReadArguments,
        ranges: &[Range],
        json: bool,
    ) -> Result<(Self, Vec<(u64, Hole)>), Stop> {
        let sink = match &arguments.output {
            Some(path) if arguments.hex => {
                let name = path.display().to_string();
                let file = File::create(path).map_err(|error| cannot_write(&name, &error))?;
                Self::DumpFile(Dump::default(), BufWriter::new(file), name)
            }
            Some(path) => {
                let (output, holes) = Output::open(path, ranges, arguments.resume)?;
                return Ok((Self::File(output, path.display().to_string()), holes));
            }
            None if json => Self::Hexadecimal(String::new()),
            None => Self::Dump(Dump::default()),
        };
        Ok((sink, Vec::new()))
    }

    pub(super) const fn position(&self) -> u64 {
        match self {
            Self::File(output, _) => output.written,
            _ => 0,
        }
    }

    pub(super) fn bytes(
        &mut self,
        view: &mut View<'_, '_>,
        address: u64,
        bytes: &[u8],
    ) -> Result<(), Stop> {
        match self {
            Self::Dump(dump) => Ok(dump.bytes(view.console.out, address, bytes)?),
            Self::DumpFile(dump, file, name) => dump
                .bytes(file, address, bytes)
                .map_err(|error| cannot_write(name, &error)),
            Self::Hexadecimal(text) => {
                text.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
                Ok(())
            }
            Self::File(output, _) => output.bytes(bytes),
        }
    }

    pub(super) fn hole(&mut self, view: &mut View<'_, '_>, hole: &Hole) -> Result<(), Stop> {
        match self {
            Self::Dump(dump) => Ok(dump.hole(view.console.out, hole)?),
            Self::DumpFile(dump, file, name) => dump
                .hole(file, hole)
                .map_err(|error| cannot_write(name, &error)),
            Self::Hexadecimal(text) => {
                text.extend((0..hole.length).map(|_| "??"));
                Ok(())
            }
            Self::File(output, _) => output.hole(hole.length, hole.status),
        }
    }

    /// Ends a read into a file that may be gone on with, once what was missing is there.
    pub(super) fn refuse(&self, transfer: &Transfer) -> Result<(), Stop> {
        match (self, explain_transfer(transfer)) {
            (Self::File(..), Some(explanation)) => Err(Stop::File(explanation)),
            _ => Ok(()),
        }
    }

    /// `complete`: the read came to its end.
    pub(super) fn close(
        self,
        complete: bool,
        view: &mut View<'_, '_>,
        document: &mut Document,
    ) -> Result<(), Stop> {
        match self {
            Self::Dump(dump) => Ok(dump.finish(view.console.out)?),
            Self::DumpFile(dump, mut file, name) => {
                let written = dump
                    .finish(&mut file)
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
