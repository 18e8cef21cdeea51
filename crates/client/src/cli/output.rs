//! The file that a long read fills, and what lets it go on where it stopped.
//!
//! Beside the file stands a sidecar as long as the read is not complete: lines of JSON. The first
//! names the ranges asked for, so that another request does not go on in this one's file; each of
//! the others names a hole, and is written before the zeros that stand for it. How far the read has
//! come is told by the length of the file alone, so that a read which ends in the middle of
//! anything loses nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use ringcopy_protocol::NtStatus;
use serde::{Deserialize, Serialize};

use super::{Stop, holes::Hole, wanted::Range};
use crate::Source;

/// What the sidecar's name has behind that of its file.
const SUFFIX: &str = ".unfinished";

/// The sidecar's first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Request {
    /// The version of this format.
    ringcopy_read: u32,
    kind: String,
    /// First addresses and lengths.
    ranges: Vec<(u64, u64)>,
}

/// The sidecar's other lines.
#[derive(Debug, Serialize, Deserialize)]
struct Missing {
    /// Bytes of the output in front of it.
    at: u64,
    length: u64,
    status: u32,
}

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
        let mut sidecar = path.as_os_str().to_owned();
        sidecar.push(SUFFIX);
        let sidecar = PathBuf::from(sidecar);
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
        let line = Missing {
            at: self.written,
            length,
            status: status.0,
        };
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

impl Request {
    fn of(ranges: &[Range]) -> Self {
        Self {
            ringcopy_read: 1,
            kind: ranges
                .first()
                .map_or("virtual", |range| range.source.kind())
                .into(),
            ranges: ranges
                .iter()
                .map(|range| (range.source.address(), range.length))
                .collect(),
        }
    }

    fn total(&self) -> u64 {
        self.ranges
            .iter()
            .fold(0, |total, (_, length)| total.saturating_add(*length))
    }

    /// The source of a byte of the output.
    fn source(&self, at: u64) -> Option<Source> {
        let mut before = 0_u64;
        for &(address, length) in &self.ranges {
            let offset = at.checked_sub(before)?;
            if offset < length {
                let address = address.checked_add(offset)?;
                return Some(match self.kind.as_str() {
                    "physical" => Source::Physical(address),
                    _ => Source::Virtual(address),
                });
            }
            before = before.checked_add(length)?;
        }
        None
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
                "{name} holds an unfinished read of other memory ({}); repeat that command with \
                 --resume, or name another file.",
                described(&earlier)
            )));
        }
        let opened = OpenOptions::new()
            .append(true)
            .open(self.path)
            .and_then(|file| Ok((file.metadata()?.len(), file)));
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
        let holes = lines
            .filter_map(|line| serde_json::from_str::<Missing>(line).ok())
            .filter_map(|missing| kept(&missing, written, request))
            .collect();
        let sidecar = OpenOptions::new()
            .append(true)
            .open(self.sidecar)
            // What a read left of a line that it was writing ends here.
            .and_then(|mut sidecar| {
                if !text.ends_with('\n') {
                    sidecar.write_all(b"\n")?;
                }
                Ok((sidecar, self.sidecar.to_owned()))
            })
            .map_err(|error| cannot_write(&sidecar_name.to_string(), &error))?;
        let output = Output {
            file,
            name: name.to_string(),
            sidecar: Some(sidecar),
            written,
        };
        Ok((output, holes))
    }
}

/// What of a hole is in the file.
fn kept(missing: &Missing, written: u64, request: &Request) -> Option<(u64, Hole)> {
    let there = written.checked_sub(missing.at)?;
    let length = missing.length.min(there);
    let source = request.source(missing.at)?;
    (length > 0).then_some((
        missing.at,
        Hole {
            source,
            length,
            status: NtStatus(missing.status),
        },
    ))
}

fn described(request: &Request) -> String {
    let first = request
        .ranges
        .first()
        .map_or_else(String::new, |(address, length)| {
            format!(" {address:#x}:{length:#x}")
        });
    match request.ranges.len() {
        0 | 1 => format!("{}{first}", request.kind),
        count => format!("{}{first} and {} more", request.kind, count - 1),
    }
}

fn put_line(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    file.write_all(&line)
}

pub(super) fn cannot_write(name: &str, error: &io::Error) -> Stop {
    Stop::File(format!(
        "cannot write {name}: {error}; make room there, or name another file with --output."
    ))
}
