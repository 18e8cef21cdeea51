//! Lists of ranges in files: written by people, printed by `ringcopy ranges`, or maps that
//! `read --all-ram` puts beside its images.
//!
//! An ambiguous line is refused, with the ways to write what it could mean.

use std::{
    fmt::Display,
    fs::File,
    io::{self, Read},
    path::Path,
};

use indicatif::BinaryBytes;
use serde::Deserialize;

use super::{
    Stop,
    encoding::decode,
    range_argument::{Kind, Range, parse, parse_words, quoted},
};
use crate::parse_number;

/// The most bytes that a list may have: a hundred thousand ranges are a tenth of it.
const LIMIT: u64 = 64 << 20;

/// The end of a sentence about an invalid list.
const EXPECTED: &str = "write one ADDRESS:LENGTH in a line, or use the output of `ringcopy ranges`";

/// Reads the list in a file, or in `input` if the file's name is `-`.
pub(super) fn read(
    kind: Kind,
    path: &Path,
    length: Option<u64>,
    input: &mut dyn Read,
) -> Result<Vec<Range>, Stop> {
    let is_input = path.as_os_str() == "-";
    let name = if is_input {
        "standard input".into()
    } else {
        path.display().to_string()
    };
    let refuse = |problem: &dyn Display| {
        Stop::Sentence(format!(
            "cannot read the ranges in {name}: {problem}; {EXPECTED}."
        ))
    };
    let bytes = if is_input {
        limited(input)
    } else {
        File::open(path).and_then(|mut file| limited(&mut file))
    };
    let text = decode(&bytes.map_err(|error| refuse(&error))?).map_err(|error| refuse(&error))?;
    let list = if text.trim_start().starts_with('{') {
        document(kind, &text, length).map_err(|problem| refuse(&problem))?
    } else {
        let mut list = List::default();
        for (number, line) in text.lines().enumerate() {
            list.line(kind, line, length).map_err(|error| {
                Stop::Sentence(format!("{name}, line {}: {error}.", number + 1))
            })?;
        }
        list
    };
    if list.of_ram && kind != Kind::Physical {
        return Err(Stop::Sentence(format!(
            "{name} lists physical memory; add --physical."
        )));
    }
    if list.ranges.is_empty() {
        return Err(Stop::Sentence(format!(
            "{name} names no ranges; {EXPECTED}."
        )));
    }
    Ok(list.ranges)
}

fn limited(file: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(io::Error::other("it has more than 64 MiB"));
    }
    Ok(bytes)
}

#[derive(Default)]
struct List {
    ranges: Vec<Range>,
    /// Whether it says that it lists physical memory.
    of_ram: bool,
}

impl List {
    fn line(&mut self, kind: Kind, line: &str, length: Option<u64>) -> Result<(), String> {
        let line = line.split_once('#').map_or(line, |(line, _)| line);
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            // The first line of what `ringcopy ranges` prints, and the last.
            ["base", "end", "(exclusive)", "size"] | ["total", _, "range" | "ranges", _, _] => {
                self.of_ram = true;
                return Ok(());
            }
            [base, end, number, unit] => {
                if let Some((base, length)) = printed(base, end, &format!("{number} {unit}")) {
                    self.of_ram = true;
                    self.ranges.push(Range::of(kind, base, length)?);
                    return Ok(());
                }
            }
            [one, other] if length.is_none() => refuse_two_meanings(one, other)?,
            _ => {}
        }
        if words.contains(&":") || words.contains(&"-") {
            return Err(start_to_end(&words.join(" ")));
        }
        match parse_words(kind, &words, length)?.as_slice() {
            [] => {}
            [range] => self.ranges.push(*range),
            _ => return Err(format!("one line names one range; {EXPECTED}")),
        }
        Ok(())
    }
}

/// Parses a range as `ringcopy ranges` prints it. The size must be that of the two addresses, which
/// distinguishes such a line from others of four words.
fn printed(base: &str, end: &str, size: &str) -> Option<(u64, u64)> {
    let (base, end) = (parse_number(base).ok()?, parse_number(end).ok()?);
    let length = end.checked_sub(base)?;
    (BinaryBytes(length).to_string() == size).then_some((base, length))
}

/// Refuses two columns of which the second may be an end or a length.
fn refuse_two_meanings(one: &str, other: &str) -> Result<(), String> {
    let (Ok(start), Ok(second)) = (parse_number(one), parse_number(other)) else {
        return Ok(());
    };
    if second <= start {
        return Ok(());
    }
    Err(format!(
        "`{one} {other}` may be an address and a length, or a start and an end; write \
         {one}:{other} if it has {other} bytes, or {start:#x}:{:#x} if it ends before {other}",
        second - start
    ))
}

/// Returns the sentence about a range that is written as its start and its end.
pub(super) fn start_to_end(text: &str) -> String {
    let shown = quoted(text);
    let ends = |parse: &dyn Fn(&str) -> Option<u64>| {
        let (start, rest) = text.split_once('-')?;
        let start = start.split_whitespace().next_back()?;
        let end = rest.split_whitespace().next()?;
        let (start, end) = (parse(start)?, parse(end)?);
        (start < end && end < u64::MAX).then_some((start, end))
    };
    if text.contains(" : ")
        && let Some((start, end)) = ends(&|digits| u64::from_str_radix(digits, 16).ok())
    {
        return format!(
            "{shown} is START-END as in /proc/iomem, hexadecimal and with the end in the range; \
             write {start:#x}:{:#x}",
            end - start + 1
        );
    }
    if let Some((start, end)) = ends(&|number| parse_number(number).ok()) {
        return format!(
            "{shown} is START-END, which does not say whether the end is in the range; write \
             {start:#x}:{:#x} if it is, or {start:#x}:{:#x} if it is not",
            end - start + 1,
            end - start
        );
    }
    format!("{shown} looks like START-END; write ADDRESS:LENGTH")
}

/// The output of `ringcopy ranges --json`, or a map.
#[derive(Deserialize)]
struct Map {
    command: Option<String>,
    kind: Option<String>,
    ranges: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    base: Number,
    length: Option<Number>,
    end: Option<Number>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Value(u64),
    Text(String),
}

impl Number {
    fn value(&self) -> Result<u64, String> {
        match self {
            Self::Value(value) => Ok(*value),
            Self::Text(text) => parse(text),
        }
    }
}

fn document(kind: Kind, text: &str, length: Option<u64>) -> Result<List, String> {
    let map: Map = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if length.is_some() {
        return Err("its ranges have lengths of their own, and --length is given as well".into());
    }
    let is_of_ranges = map.command.as_deref() == Some("ranges");
    if map.kind.as_deref() == Some("virtual") && kind == Kind::Physical {
        return Err("it lists virtual memory, and --physical is given".into());
    }
    let mut list = List {
        ranges: Vec::new(),
        of_ram: is_of_ranges || map.kind.as_deref() == Some("physical"),
    };
    for (number, entry) in map.ranges.unwrap_or_default().iter().enumerate() {
        let range = entry
            .range(kind)
            .map_err(|problem| format!("entry {} of `ranges`: {problem}", number + 1))?;
        list.ranges.push(range);
    }
    Ok(list)
}

impl Entry {
    fn range(&self, kind: Kind) -> Result<Range, String> {
        let base = self.base.value()?;
        let length = self.length.as_ref().map(Number::value).transpose()?;
        let end = self.end.as_ref().map(Number::value).transpose()?;
        let to_end = match end {
            None => None,
            Some(end) => Some(end.checked_sub(base).ok_or("`end` is before `base`")?),
        };
        match (length, to_end) {
            (Some(length), Some(other)) if length != other => {
                Err("`base`, `length` and `end` do not agree".into())
            }
            (Some(length), _) | (None, Some(length)) => Range::of(kind, base, length),
            (None, None) => Err("it has neither `length` nor `end`".into()),
        }
    }
}
