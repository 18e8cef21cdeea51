//! The forms in which the bytes that were read leave the program.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use super::{
    dump::Dump,
    form::Form,
    holes::Hole,
    output::Output,
    stream::Stream,
    target::{Target, cannot_write},
};
use crate::{
    Transfer,
    cli::{
        Stop, View,
        arguments::{ReadArguments, is_standard_output},
        range_argument::Range,
        record::Document,
    },
    explain_transfer,
};

/// Where the bytes go.
pub(super) struct Sink {
    kind: Kind,
    /// The holes in front of the first byte, as long as the file holds something else, which a read
    /// that finds nothing leaves there.
    waiting: Option<Vec<Hole>>,
}

enum Kind {
    /// To people.
    Dump(Dump),
    /// Into a file for people.
    DumpFile(DumpFile),
    /// Into the document.
    Hexadecimal(String),
    /// Into a file.
    File(Output),
    /// To standard output, a device or a pipe.
    Stream(Stream),
}

/// A dump in a file.
struct DumpFile {
    dump: Dump,
    name: String,
    /// The file as it was found, until something is put into it.
    target: Option<Target>,
    file: Option<BufWriter<File>>,
}

impl Sink {
    /// Opens it, changes nothing, and gives the holes that an earlier read left.
    pub(super) fn open(
        arguments: &ReadArguments,
        form: Form,
        ranges: &[Range],
        json: bool,
    ) -> Result<(Self, Vec<(u64, Hole)>), Stop> {
        let (path, is_standard) = match &arguments.output {
            Some(path) => (path, is_standard_output(path)),
            None if json => return Ok((Kind::Hexadecimal(String::new()).into(), Vec::new())),
            None => return Ok((Kind::Dump(Dump::default()).into(), Vec::new())),
        };
        match (is_standard, arguments.hex) {
            (true, true) => return Ok((Kind::Dump(Dump::default()).into(), Vec::new())),
            (true, false) => {
                return Ok((Kind::Stream(Stream::new(form, None)).into(), Vec::new()));
            }
            (false, _) => {}
        }
        let target = Target::open(path)?;
        let holds_something = target.length > 0 && !arguments.resume;
        let (kind, holes) = if arguments.hex {
            let name = target.name.clone();
            let file = DumpFile {
                dump: Dump::default(),
                name,
                target: Some(target),
                file: None,
            };
            (Kind::DumpFile(file), Vec::new())
        } else if target.is_regular {
            let (output, holes) = Output::open(target, form, ranges, arguments.resume)?;
            (Kind::File(output), holes)
        } else {
            if arguments.resume {
                return Err(Stop::File(format!(
                    "nothing can go on in {}, which is no regular file; leave out --resume.",
                    target.name
                )));
            }
            let name = target.name.clone();
            let stream = Stream::new(form, Some((target.emptied()?, name)));
            (Kind::Stream(stream), Vec::new())
        };
        let waiting = holds_something.then(Vec::new);
        Ok((Self { kind, waiting }, holes))
    }

    /// How many bytes an earlier read left.
    pub(super) const fn position(&self) -> u64 {
        match &self.kind {
            Kind::File(output) => output.written,
            _ => 0,
        }
    }

    /// Whether it fills a file, beside which others may stand.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File(_))
    }

    /// Whether a part of a hole may be put into it by itself, so that an interruption loses no more
    /// than the request under way.
    pub(super) const fn takes_parts_of_holes(&self) -> bool {
        matches!(self.kind, Kind::File(_) | Kind::Stream(_))
    }

    pub(super) fn bytes(
        &mut self,
        view: &mut View<'_, '_>,
        address: u64,
        bytes: &[u8],
    ) -> Result<(), Stop> {
        for hole in self.waiting.take().unwrap_or_default() {
            self.hole(view, &hole)?;
        }
        match &mut self.kind {
            Kind::Dump(dump) => Ok(dump.bytes(view.console.out, address, bytes)?),
            Kind::DumpFile(file) => file.put(|dump, out| dump.bytes(out, address, bytes)),
            Kind::Hexadecimal(text) => {
                text.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
                Ok(())
            }
            Kind::File(output) => output.bytes(address, bytes),
            Kind::Stream(stream) => stream
                .bytes(view.console.out, address, bytes)
                .map_err(|error| cannot_stream(stream, error)),
        }
    }

    pub(super) fn hole(&mut self, view: &mut View<'_, '_>, hole: &Hole) -> Result<(), Stop> {
        if let Some(waiting) = &mut self.waiting {
            match waiting.last_mut() {
                Some(last) if last.goes_on_with(hole) => last.length += hole.length,
                _ => waiting.push(*hole),
            }
            return Ok(());
        }
        match &mut self.kind {
            Kind::Dump(dump) => Ok(dump.hole(view.console.out, hole)?),
            Kind::DumpFile(file) => file.put(|dump, out| dump.hole(out, hole)),
            Kind::Hexadecimal(text) => {
                text.extend((0..hole.length).map(|_| "??"));
                Ok(())
            }
            Kind::File(output) => output.hole(hole),
            Kind::Stream(stream) => stream
                .hole(view.console.out, hole)
                .map_err(|error| cannot_stream(stream, error)),
        }
    }

    /// Ends a read that goes somewhere else than to people: a file may be gone on with once what was
    /// missing is there, and holds no more than was granted.
    pub(super) fn refuse(&self, transfer: &Transfer) -> Result<(), Stop> {
        match (&self.kind, explain_transfer(transfer)) {
            (Kind::Dump(_) | Kind::Hexadecimal(_), _) | (_, None) => Ok(()),
            (_, Some(explanation)) => Err(Stop::File(explanation)),
        }
    }

    /// `complete`: the read came to its end. Tells whether the file was left as it was, since there
    /// was nothing to put into it.
    pub(super) fn close(
        self,
        complete: bool,
        view: &mut View<'_, '_>,
        document: &mut Document,
    ) -> Result<bool, Stop> {
        let is_untouched = self.waiting.is_some();
        match self.kind {
            Kind::Dump(dump) => dump.finish(view.console.out)?,
            Kind::DumpFile(file) => {
                document.detail("output", file.name.as_str());
                if !is_untouched {
                    file.finish()?;
                }
            }
            Kind::Hexadecimal(text) => document.detail("data", text),
            Kind::File(mut output) => {
                document.detail("output", output.name());
                if complete {
                    output.complete()?;
                } else {
                    let sentence = output.unfinished();
                    document.detail("written", output.written);
                    if let Some(sentence) = sentence {
                        view.remark(&sentence)?;
                    }
                }
            }
            Kind::Stream(Stream { to, .. }) => {
                document.detail("output", to.map_or_else(|| "-".into(), |(_, name)| name));
            }
        }
        Ok(is_untouched)
    }
}

impl From<Kind> for Sink {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            waiting: None,
        }
    }
}

impl DumpFile {
    fn put(
        &mut self,
        part: impl FnOnce(&mut Dump, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Stop> {
        if let Some(target) = self.target.take() {
            self.file = Some(BufWriter::new(target.emptied()?));
        }
        match &mut self.file {
            Some(file) => part(&mut self.dump, file),
            None => Err(io::ErrorKind::NotFound.into()),
        }
        .map_err(|error| cannot_write(&self.name, &error))
    }

    fn finish(self) -> Result<(), Stop> {
        let Some(mut file) = self.file else {
            return Ok(());
        };
        self.dump
            .finish(&mut file)
            .and_then(|()| file.flush())
            .map_err(|error| cannot_write(&self.name, &error))
    }
}

fn cannot_stream(stream: &Stream, error: io::Error) -> Stop {
    match &stream.to {
        Some((_, name)) => cannot_write(name, &error),
        None => Stop::Output(error),
    }
}
