//! The file that a long read fills, with zeros for what cannot be read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use ringcopy_protocol::NtStatus;

use super::{
    holes::Hole,
    sidecar::{self, Missing, Request, put_line},
};
use crate::cli::{Stop, wanted::Range};

/// A raw output file.
pub(super) struct Output {
    file: File,
    name: String,
    /// Absent where the output is a device or a pipe, in which nothing can go on.
    sidecar: Option<(File, PathBuf)>,
    /// Bytes that are in the file.
    pub(super) written: u64,
}

impl Output {
    /// Opens the file for these ranges: empty, or, with `resume`, as an earlier read of the same
    /// ranges left it. Gives the holes that are in it.
    pub(super) fn open(
        path: &Path,
        ranges: &[Range],
        resume: bool,
    ) -> Result<(Self, Vec<(u64, Hole)>), Stop> {
        let name = path.display().to_string();
        let request = Request::of(ranges);
        let sidecar = sidecar::path_of(path);
        let unfinished = match fs::read_to_string(&sidecar) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(Stop::File(format!(
                    "cannot read {}: {error}; it tells how far an earlier read of {name} came.",
                    sidecar.display()
                )));
            }
        };
        let output = Place {
            path,
            sidecar: &sidecar,
            name: &name,
        };
        match (unfinished, resume) {
            (Some(text), true) => output.go_on(&text, &request),
            (Some(_), false) if fs::metadata(path).is_ok_and(|file| file.len() > 0) => {
                Err(Stop::File(format!(
                    "{name} holds an unfinished read; go on with --resume, or remove {} to start \
                 again.",
                    sidecar.display()
                )))
            }
            (None, true) if path.exists() => Err(Stop::File(format!(
                "{name} is there, but no {} that tells what it holds; nothing can go on in it, so \
                 name another file, or leave out --resume to write over it.",
                sidecar.display()
            ))),
            (_, false) | (None, true) => output.start(&request),
        }
    }

    /// Writes bytes behind those that are there.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(self.full(&io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.written += count as u64;
                    rest = rest.get(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.full(&error)),
            }
        }
        Ok(())
    }

    /// Writes zeros for a hole, and notes it first.
    pub(super) fn hole(&mut self, length: u64, status: NtStatus) -> Result<(), Stop> {
        let line = Missing::of(self.written, length, status);
        if let Some((sidecar, path)) = &mut self.sidecar {
            put_line(sidecar, &line)
                .map_err(|error| cannot_write(&path.display().to_string(), &error))?;
        }
        if self.sidecar.is_some() {
            return self.sparse(length);
        }
        let zeros = vec![0; 1 << 16];
        let mut left = length;
        while left > 0 {
            let count = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
            self.bytes(zeros.get(..count).unwrap_or_default())?;
            left -= count as u64;
        }
        Ok(())
    }

    /// Makes a regular file longer: file systems that can do so store no zeros.
    fn sparse(&mut self, length: u64) -> Result<(), Stop> {
        let end = self.written.saturating_add(length);
        let grown = self
            .file
            .set_len(end)
            .and_then(|()| self.file.seek(SeekFrom::End(0)));
        match grown {
            Ok(written) => {
                self.written = written;
                Ok(())
            }
            Err(error) => Err(self.full(&error)),
        }
    }

    /// Ends a read that came to its end.
    pub(super) fn complete(self) -> Result<(), Stop> {
        let Self {
            file,
            name,
            sidecar,
            ..
        } = self;
        file.sync_all()
            .or_else(|error| match sidecar {
                // Devices and pipes need not know how.
                None => Ok(()),
                Some(_) => Err(error),
            })
            .map_err(|error| cannot_write(&name, &error))?;
        if let Some((_, path)) = sidecar {
            fs::remove_file(&path).map_err(|error| {
                Stop::File(format!(
                    "{name} is complete, but {} cannot be removed: {error}; remove it yourself.",
                    path.display()
                ))
            })?;
        }
        Ok(())
    }

    /// What to say about a read that ended early: what it left can be gone on with.
    pub(super) fn unfinished(&self) -> Option<String> {
        let Self { name, written, .. } = self;
        self.sidecar.as_ref()?;
        Some(format!(
            "{written} bytes are in {name}; repeat the command with --resume to go on."
        ))
    }

    fn full(&self, error: &io::Error) -> Stop {
        cannot_write(&self.name, error)
    }
}

/// Where an output and its sidecar lie.
struct Place<'p> {
    path: &'p Path,
    sidecar: &'p Path,
    name: &'p str,
}

impl Place<'_> {
    fn start(&self, request: &Request) -> Result<(Output, Vec<(u64, Hole)>), Stop> {
        let name = self.name.to_owned();
        let file = File::create(self.path).map_err(|error| cannot_write(&name, &error))?;
        let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let sidecar = if regular {
            let created = File::create(self.sidecar).and_then(|mut sidecar| {
                put_line(&mut sidecar, request)?;
                Ok((sidecar, self.sidecar.to_owned()))
            });
            let sidecar_name = self.sidecar.display().to_string();
            Some(created.map_err(|error| cannot_write(&sidecar_name, &error))?)
        } else {
            None
        };
        let output = Output {
            file,
            name,
            sidecar,
            written: 0,
        };
        Ok((output, Vec::new()))
    }

    fn go_on(&self, text: &str, request: &Request) -> Result<(Output, Vec<(u64, Hole)>), Stop> {
        let Self { name, .. } = self;
        let sidecar_name = self.sidecar.display();
        let mut lines = text.lines();
        let earlier: Request = lines
            .next()
            .and_then(|line| serde_json::from_str(line).ok())
            .ok_or_else(|| {
                Stop::File(format!(
                    "{sidecar_name} does not tell which ranges {name} holds; remove both to start \
                     again."
                ))
            })?;
        if earlier != *request {
            return Err(Stop::File(format!(
                "{name} holds an unfinished read of other memory ({earlier}); repeat that command with \
                 --resume, or name another file."
            )));
        }
        // Not to append: Windows makes no file longer through a handle that may only append
        // ("File Access Rights Constants", `FILE_APPEND_DATA`).
        let opened = OpenOptions::new()
            .write(true)
            .open(self.path)
            .and_then(|mut file| Ok((file.seek(SeekFrom::End(0))?, file)));
        let (written, file) = match opened {
            Ok(opened) => opened,
            // It never came to the first byte.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.start(request),
            Err(error) => return Err(cannot_write(name, &error)),
        };
        if written > request.total() {
            return Err(Stop::File(format!(
                "{name} has {written} bytes, more than the {} asked for; something else wrote to \
                 it: remove it and {sidecar_name} to start again.",
                request.total()
            )));
        }
        let holes: Vec<_> = lines
            .filter_map(|line| serde_json::from_str::<Missing>(line).ok())
            .filter_map(|missing| missing.kept(written, request))
            .collect();
        // What was noted of a hole and is not in the output is read again, and noted again.
        let sidecar = sidecar::replace(self.sidecar, request, &holes)
            .map_err(|error| cannot_write(&sidecar_name.to_string(), &error))?;
        let output = Output {
            file,
            name: name.to_string(),
            sidecar: Some((sidecar, self.sidecar.to_owned())),
            written,
        };
        Ok((output, holes))
    }
}

pub(super) fn cannot_write(name: &str, error: &io::Error) -> Stop {
    Stop::File(format!(
        "cannot write {name}: {error}; make room there, or name another file with --output."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    /// A file opened to append is written to its end, wherever that is by then: this tells that
    /// it was not. That no hole could be made in it either shows on Windows alone, where appending
    /// is a right of its own.
    #[test]
    fn what_is_gone_on_with_is_not_opened_to_append() {
        let path = std::env::temp_dir().join(format!("ringcopy-go-on-{}", std::process::id()));
        let ranges = [Range {
            source: Source::Physical(0x1000),
            length: 12,
        }];
        let open = |resume| Output::open(&path, &ranges, resume).ok().unwrap().0;
        assert!(open(false).bytes(&[1; 8]).is_ok());
        let mut output = open(true);
        assert_eq!(output.written, 8);
        fs::write(&path, [1; 20]).unwrap();
        assert!(output.bytes(&[2; 4]).is_ok());
        assert!(output.complete().is_ok());
        let written = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(written, [&[1; 8][..], &[2; 4], &[1; 8]].concat());
    }
}
