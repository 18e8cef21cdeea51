//! The file from which a later read continues.
//!
//! The sidecar lies beside the output until the read is complete. It has lines of JSON. The first
//! one names the ranges asked for, so that a read of others does not continue in the file. Each of
//! the others notes a hole, or a part of one, and is written before the zeros in the output.
//!
//! The length of the output says how far the read came. Where holes leave nothing in the output,
//! the holes noted after its last byte say it. So a read that ends at any moment loses nothing. A
//! read that continues first writes a new sidecar, with the holes that are in the output.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use ringcopy_protocol::NtStatus;
use serde::{Deserialize, Serialize};

use super::{form::Form, holes::Hole};
use crate::{Source, cli::range_argument::Range};

/// The suffix of a sidecar's name, after the output's name.
const SUFFIX: &str = ".unfinished";

/// The suffix of a file that is being written and then replaces another.
const PART: &str = ".part";

/// The sidecar's first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    /// The version of this format.
    ringcopy_read: u32,
    #[serde(default)]
    form: Form,
    kind: String,
    /// First addresses and lengths.
    ranges: Vec<(u64, u64)>,
}

/// The sidecar's other lines.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Missing {
    /// Bytes of the ranges before it.
    at: u64,
    length: u64,
    status: u32,
}

/// Returns the path of an output's sidecar.
pub(super) fn path_of(output: &Path) -> PathBuf {
    with_suffix(output, SUFFIX)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Request {
    pub(super) fn of(ranges: &[Range], form: Form) -> Self {
        Self {
            ringcopy_read: 1,
            form,
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

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    pub(super) fn total(&self) -> u64 {
        self.ranges
            .iter()
            .fold(0, |total, (_, length)| total.saturating_add(*length))
    }

    /// Returns how many bytes were asked for before this physical address. The ranges are in the
    /// order of their addresses.
    pub(super) fn position_of(&self, address: u64) -> Option<u64> {
        let mut position = 0_u64;
        for &(base, length) in &self.ranges {
            if let Some(offset) = address.checked_sub(base)
                && offset < length
            {
                return position.checked_add(offset);
            }
            position = position.checked_add(length)?;
        }
        None
    }

    /// Returns how many bytes were asked for below this physical address, unless it is after all.
    pub(super) fn position_of_end(&self, end: u64) -> Option<u64> {
        let mut position = 0_u64;
        let mut last = 0_u64;
        for &(base, length) in &self.ranges {
            position = position.checked_add(end.saturating_sub(base).min(length))?;
            last = last.max(base.saturating_add(length));
        }
        (end <= last).then_some(position)
    }

    /// Returns the last address of the range that this physical address is in. The ranges are in
    /// the order of their addresses.
    pub(super) fn last_of_range(&self, address: u64) -> u64 {
        let after = self.ranges.partition_point(|(base, _)| *base <= address);
        let range = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        range.map_or(address, |(base, length)| base.saturating_add(*length) - 1)
    }

    /// Selects the noted holes that are in an output with `in_file` bytes of the ranges. Returns
    /// how far the earlier read came, and the holes up to there, each with its offset.
    pub(super) fn kept(
        &self,
        noted: impl Iterator<Item = Missing>,
        in_file: u64,
    ) -> (u64, Vec<(u64, Hole)>) {
        let mut written = in_file;
        let mut holes: Vec<(u64, Hole)> = Vec::new();
        let mut starts = Vec::new();
        let mut start = 0_u64;
        for (_, length) in &self.ranges {
            starts.push(start);
            start = start.saturating_add(*length);
        }
        for missing in noted.filter(|missing| missing.length > 0) {
            if self.form == Form::Lime && missing.at <= written {
                // Such a file has nothing for a hole, only the sidecar has.
                let end = missing.at.saturating_add(missing.length);
                written = written.max(end.min(start));
            }
            let Some(there) = written.checked_sub(missing.at).filter(|there| *there > 0) else {
                continue;
            };
            let Some(source) = self.source(&starts, missing.at) else {
                continue;
            };
            let hole = Hole {
                source,
                length: missing.length.min(there),
                status: NtStatus(missing.status),
            };
            let last = holes.last_mut();
            if !last.is_some_and(|(at, last)| *at + last.length == missing.at && last.extend(&hole))
            {
                holes.push((missing.at, hole));
            }
        }
        (written, holes)
    }

    /// Returns the source of the byte at an offset. `starts` are the offsets of the ranges.
    fn source(&self, starts: &[u64], at: u64) -> Option<Source> {
        let number = starts
            .partition_point(|start| *start <= at)
            .checked_sub(1)?;
        let (address, length) = *self.ranges.get(number)?;
        let offset = at.checked_sub(*starts.get(number)?)?;
        let address = address.checked_add(offset).filter(|_| offset < length)?;
        Some(match self.kind.as_str() {
            "physical" => Source::Physical(address),
            _ => Source::Virtual(address),
        })
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
}

/// Replaces the sidecar by one with only these holes, atomically. Returns it, open for more lines.
pub(super) fn replace(path: &Path, request: &Request, holes: &[(u64, Hole)]) -> io::Result<File> {
    let mut lines = Vec::new();
    put_line(&mut lines, request)?;
    for (at, hole) in holes {
        put_line(&mut lines, &Missing::of(*at, hole.length, hole.status))?;
    }
    write_whole(path, &lines)?;
    OpenOptions::new().append(true).open(path)
}

/// Writes a file, or replaces the existing one, atomically.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = with_suffix(path, PART);
    let replaced = File::create(&part)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part, path));
    if replaced.is_err() {
        // The existing file is unchanged.
        drop(fs::remove_file(&part));
    }
    replaced
}

/// Appends a line.
pub(super) fn put_line(sidecar: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    sidecar.write_all(&line)
}
