//! What lets a later read go on where this one stopped.
//!
//! Beside the output stands a sidecar as long as the read is not complete: lines of JSON. The first
//! names the ranges asked for, so that another request does not go on in this one's file; each of
//! the others names a hole, and is written before the zeros that stand for it. How far the read has
//! come is told by the length of the output alone, so that a read which ends in the middle of
//! anything loses nothing. A read that goes on first leaves those holes alone in the sidecar that
//! are in the output, and as much of them as is.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use ringcopy_protocol::NtStatus;
use serde::{Deserialize, Serialize};

use super::holes::Hole;
use crate::{Source, cli::wanted::Range};

/// What the sidecar's name has behind that of its file.
const SUFFIX: &str = ".unfinished";

/// What the name of a sidecar that is being replaced has behind it.
const PART: &str = ".part";

/// The sidecar's first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    /// The version of this format.
    ringcopy_read: u32,
    kind: String,
    /// First addresses and lengths.
    ranges: Vec<(u64, u64)>,
}

/// The sidecar's other lines.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Missing {
    /// Bytes of the output in front of it.
    at: u64,
    length: u64,
    status: u32,
}

/// Where the sidecar of an output lies.
pub(super) fn path_of(output: &Path) -> PathBuf {
    with_suffix(output, SUFFIX)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Request {
    pub(super) fn of(ranges: &[Range]) -> Self {
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

    pub(super) fn total(&self) -> u64 {
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

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if let Some((address, length)) = self.ranges.first() {
            write!(f, " {address:#x}:{length:#x}")?;
        }
        match self.ranges.len() {
            0 | 1 => Ok(()),
            count => write!(f, " and {} more", count - 1),
        }
    }
}

impl Missing {
    pub(super) const fn of(at: u64, length: u64, status: NtStatus) -> Self {
        Self {
            at,
            length,
            status: status.0,
        }
    }

    /// What of the hole is in an output of which so much is written: where, and what.
    pub(super) fn kept(&self, written: u64, request: &Request) -> Option<(u64, Hole)> {
        let there = written.checked_sub(self.at)?;
        let length = self.length.min(there);
        let source = request.source(self.at)?;
        (length > 0).then_some((
            self.at,
            Hole {
                source,
                length,
                status: NtStatus(self.status),
            },
        ))
    }
}

/// Puts a sidecar with these holes alone in the place of the one that is there, whole or not at
/// all, and gives it for more lines.
pub(super) fn replace(path: &Path, request: &Request, holes: &[(u64, Hole)]) -> io::Result<File> {
    let mut lines = Vec::new();
    put_line(&mut lines, request)?;
    for (at, hole) in holes {
        put_line(&mut lines, &Missing::of(*at, hole.length, hole.status))?;
    }
    let part = with_suffix(path, PART);
    let replaced = File::create(&part)
        .and_then(|mut file| {
            file.write_all(&lines)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part, path));
    if let Err(error) = replaced {
        // The sidecar is as it was, so nobody misses it.
        drop(fs::remove_file(&part));
        return Err(error);
    }
    OpenOptions::new().append(true).open(path)
}

/// Adds a line.
pub(super) fn put_line(sidecar: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    sidecar.write_all(&line)
}
