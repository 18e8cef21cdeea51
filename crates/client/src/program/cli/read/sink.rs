//! Where the bytes go that were read.

use super::{
    form::Form,
    hexdump::HexDump,
    holes::Hole,
    output::Output,
    stream::{Format, Stream, StreamedImage},
    target::Target,
};
use crate::{
    CopyReport,
    cli::{
        Stop,
        arguments::{ReadArguments, is_standard_output},
        range_argument::Range,
        view::View,
    },
    explain_copy,
};

/// Where the bytes go.
pub(super) struct Sink {
    kind: Kind,
    /// The holes before the first byte, as long as the file holds something else: a read that finds
    /// only holes leaves that there.
    waiting: Option<Vec<Hole>>,
}

enum Kind {
    /// The JSON document, in hexadecimal.
    Document(String),
    /// An image in a regular file, which a later read can continue.
    File(Output),
    Stream(Stream),
}

impl Sink {
    /// Opens the sink without changing anything. Returns the holes that an earlier read left.
    pub(super) fn open(
        arguments: &ReadArguments,
        form: Form,
        ranges: &[Range],
        json: bool,
    ) -> Result<(Self, Vec<(u64, Hole)>), Stop> {
        let format = || {
            if arguments.hex || arguments.output.is_none() {
                Format::Dump(HexDump::default())
            } else {
                Format::Image(StreamedImage::new(form))
            }
        };
        let path = arguments.output.as_ref();
        let Some(path) = path.filter(|path| !is_standard_output(path)) else {
            let kind = if json && arguments.output.is_none() {
                Kind::Document(String::new())
            } else {
                Kind::Stream(Stream::new(format(), None))
            };
            let waiting = None;
            return Ok((Self { kind, waiting }, Vec::new()));
        };
        let target = Target::open(path)?;
        let holds_something = target.length > 0 && !arguments.resume;
        let waiting = holds_something.then(Vec::new);
        if target.is_regular && !arguments.hex {
            let (output, holes) = Output::open(target, form, ranges, arguments.resume)?;
            let kind = Kind::File(output);
            return Ok((Self { kind, waiting }, holes));
        }
        if arguments.resume {
            return Err(Stop::Sentence(format!(
                "a read to {} cannot be continued, since it is no regular file; leave out --resume.",
                target.name
            )));
        }
        let kind = Kind::Stream(Stream::new(format(), Some(target)));
        Ok((Self { kind, waiting }, Vec::new()))
    }

    /// Returns how many bytes an earlier read left.
    pub(super) const fn position(&self) -> u64 {
        match &self.kind {
            Kind::File(output) => output.written,
            _ => 0,
        }
    }

    /// Returns whether it fills a file that a map can be put beside.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File(_))
    }

    /// Returns whether it takes a hole in parts, so that an interruption loses only the request
    /// that was sent.
    pub(super) const fn takes_parts_of_holes(&self) -> bool {
        match &self.kind {
            Kind::Document(_) => false,
            Kind::File(_) => true,
            Kind::Stream(stream) => matches!(stream.format, Format::Image(_)),
        }
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
            Kind::Document(text) => {
                text.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
                Ok(())
            }
            Kind::File(output) => output.bytes(address, bytes),
            Kind::Stream(stream) => stream.bytes(view, address, bytes),
        }
    }

    pub(super) fn hole(&mut self, view: &mut View<'_, '_>, hole: &Hole) -> Result<(), Stop> {
        if let Some(waiting) = &mut self.waiting {
            if !waiting.last_mut().is_some_and(|last| last.extend(hole)) {
                waiting.push(*hole);
            }
            return Ok(());
        }
        match &mut self.kind {
            Kind::Document(text) => {
                text.extend((0..hole.length).map(|_| "??"));
                Ok(())
            }
            Kind::File(output) => output.hole(hole),
            Kind::Stream(stream) => stream.hole(view, hole),
        }
    }

    /// Ends a read that was refused, unless it is shown to people. A file then holds only what was
    /// granted, and can be continued once the reason is gone.
    pub(super) fn refuse(&self, report: &CopyReport, user_limit: u64) -> Result<(), Stop> {
        let is_shown = match &self.kind {
            Kind::Document(_) => true,
            Kind::File(_) => false,
            Kind::Stream(Stream { format, file }) => {
                matches!(format, Format::Dump(_)) && file.is_none()
            }
        };
        match explain_copy(report, user_limit) {
            Some(explanation) if !is_shown => Err(Stop::Sentence(explanation)),
            _ => Ok(()),
        }
    }

    /// Ends a read, which is `complete` if nothing failed. Returns whether the file was left as it
    /// was, since only holes were found.
    pub(super) fn close(self, complete: bool, view: &mut View<'_, '_>) -> Result<bool, Stop> {
        let is_untouched = self.waiting.is_some();
        match self.kind {
            Kind::Document(text) => view.document.detail("data", text),
            Kind::File(mut output) => {
                view.document.detail("output", output.name());
                if complete {
                    output.complete()?;
                } else {
                    let sentence = output.unfinished();
                    view.document.detail("written", output.written);
                    if let Some(sentence) = sentence {
                        view.remark(&sentence)?;
                    }
                }
            }
            Kind::Stream(mut stream) => {
                match (&stream.file, &stream.format) {
                    (Some(file), _) => view.document.detail("output", file.name.as_str()),
                    (None, Format::Image(_)) => view.document.detail("output", "-"),
                    (None, Format::Dump(_)) => {}
                }
                if !is_untouched {
                    stream.finish(view)?;
                }
            }
        }
        Ok(is_untouched)
    }
}
