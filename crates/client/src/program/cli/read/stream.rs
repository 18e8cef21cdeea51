//! A read that is written in one pass, to standard output, a device, a pipe, or a file for people.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use super::{
    form::{Form, header},
    hexdump::HexDump,
    holes::Hole,
    target::{Target, cannot_write},
};
use crate::cli::{Stop, view::View};

/// Zeros that are written at a time.
const ZEROS: usize = 1 << 16;

/// What is written, and where.
pub(super) struct Stream {
    pub(super) format: Format,
    /// The file, if it is not standard output.
    pub(super) file: Option<StreamFile>,
}

pub(super) enum Format {
    Dump(HexDump),
    Image(StreamedImage),
}

pub(super) struct StreamFile {
    pub(super) name: String,
    /// The file as it was found, until a byte is written.
    target: Option<Target>,
    file: Option<BufWriter<File>>,
}

impl Stream {
    pub(super) fn new(format: Format, target: Option<Target>) -> Self {
        let file = target.map(|target| StreamFile {
            name: target.name.clone(),
            target: Some(target),
            file: None,
        });
        Self { format, file }
    }

    pub(super) fn bytes(
        &mut self,
        view: &mut View<'_, '_>,
        address: u64,
        bytes: &[u8],
    ) -> Result<(), Stop> {
        self.put(view, |format, out| match format {
            Format::Dump(dump) => dump.bytes(out, address, bytes),
            Format::Image(image) => image.bytes(out, address, bytes),
        })
    }

    pub(super) fn hole(&mut self, view: &mut View<'_, '_>, hole: &Hole) -> Result<(), Stop> {
        self.put(view, |format, out| match format {
            Format::Dump(dump) => dump.hole(out, hole),
            Format::Image(image) => image.hole(out, hole),
        })
    }

    /// Writes what is buffered. A file that nothing was written to stays as it was.
    pub(super) fn finish(&mut self, view: &mut View<'_, '_>) -> Result<(), Stop> {
        if self.file.as_ref().is_some_and(|to| to.file.is_none()) {
            return Ok(());
        }
        self.put(view, |format, out| {
            if let Format::Dump(dump) = format {
                dump.finish(out)?;
            }
            out.flush()
        })
    }

    fn put(
        &mut self,
        view: &mut View<'_, '_>,
        part: impl FnOnce(&mut Format, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Stop> {
        let Some(to) = &mut self.file else {
            return Ok(part(&mut self.format, view.console.out)?);
        };
        if let Some(target) = to.target.take() {
            to.file = Some(BufWriter::new(target.emptied()?));
        }
        let written = match &mut to.file {
            Some(file) => part(&mut self.format, file),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        written.map_err(|error| cannot_write(&to.name, &error))
    }
}

/// An image that is written in one pass.
pub(super) struct StreamedImage {
    form: Form,
    /// Bytes written.
    at: u64,
}

impl StreamedImage {
    pub(super) const fn new(form: Form) -> Self {
        Self { form, at: 0 }
    }

    fn bytes(&mut self, out: &mut dyn Write, address: u64, bytes: &[u8]) -> io::Result<()> {
        match self.form {
            Form::Ranges => {}
            Form::Addresses => self.zeros(out, address.saturating_sub(self.at))?,
            Form::Lime => {
                // It is not known yet whether these bytes continue, and no header can be changed
                // later.
                let last = address.saturating_add((bytes.len() as u64).saturating_sub(1));
                self.put(out, &header(address, last))?;
            }
        }
        self.put(out, bytes)
    }

    fn hole(&mut self, out: &mut dyn Write, hole: &Hole) -> io::Result<()> {
        match self.form {
            Form::Ranges => self.zeros(out, hole.length),
            Form::Addresses => {
                let end = hole.source.address().saturating_add(hole.length);
                self.zeros(out, end.saturating_sub(self.at))
            }
            Form::Lime => Ok(()),
        }
    }

    fn zeros(&mut self, out: &mut dyn Write, count: u64) -> io::Result<()> {
        let zeros = vec![0; ZEROS];
        let mut left = count;
        while left > 0 {
            let some = usize::try_from(left).map_or(ZEROS, |left| left.min(ZEROS));
            self.put(out, zeros.get(..some).unwrap_or_default())?;
            left -= some as u64;
        }
        Ok(())
    }

    fn put(&mut self, out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
        out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}
