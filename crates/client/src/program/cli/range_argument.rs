//! The ranges of memory that the user names on the command line.

use std::{fmt, io::Read};

use clap::Args;
use ringcopy_protocol::MemoryRange;

use super::{Stop, range_list};
use crate::{Source, parse_number};

/// The length of a range that is only an address.
const LENGTH: u64 = 256;

/// Ranges of memory to read.
///
/// They may stand after the option that names their kind, or before it. They may not stand in both
/// places, since their order would be unclear.
#[derive(Debug, Args)]
pub(super) struct RangeArgument {
    /// The ranges to read: ADDRESS:LENGTH, or ADDRESS LENGTH, as often as needed; a single address
    /// means 256 bytes
    #[arg(value_name = "RANGE")]
    ranges: Vec<String>,

    /// The ranges are virtual memory: this process's, or the system's if the policy allows it (the
    /// default)
    #[arg(long = "virtual", value_name = "RANGE", num_args = 0.., conflicts_with = "physical")]
    virtual_ranges: Option<Vec<String>>,

    /// The ranges are physical memory, if the policy allows it
    #[arg(long, value_name = "RANGE", num_args = 0..)]
    physical: Option<Vec<String>>,

    /// Bytes to read at each address; the ranges then have no lengths of their own
    #[arg(long, value_name = "BYTES", value_parser = super::arguments::number)]
    length: Option<u64>,

    /// Read the ranges in this file, or in standard input for -: one ADDRESS:LENGTH in a line, the
    /// output of `ringcopy ranges` (with --json or without), or the map of an image. A # begins a
    /// comment. UTF-8, or UTF-16 with a byte-order mark
    #[arg(long = "ranges", value_name = "FILE")]
    file: Option<std::path::PathBuf>,
}

/// A range of memory. It is not empty, and does not run past the end of the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// The first byte.
    pub(super) source: Source,
    /// Bytes, at least one.
    pub(super) length: u64,
}

impl Range {
    pub(super) fn of(kind: Kind, address: u64, length: u64) -> Result<Self, String> {
        let source = kind.source(address);
        let range = Self { source, length };
        match length.checked_sub(1) {
            None => Err(format!("{range} has no bytes; give a length of at least 1")),
            Some(last) if address.checked_add(last).is_none() => Err(format!(
                "{range} runs past the end of the address space; ask for at most {:#x} bytes there",
                u64::MAX - address + 1
            )),
            Some(_) => Ok(range),
        }
    }

    /// Returns the address of the last byte.
    pub(super) const fn last(self) -> u64 {
        self.source.address() + (self.length - 1)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}:{:#x}", self.source.address(), self.length)
    }
}

/// The kind of memory that addresses name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Virtual,
    Physical,
}

impl Kind {
    const fn source(self, address: u64) -> Source {
        match self {
            Self::Virtual => Source::Virtual(address),
            Self::Physical => Source::Physical(address),
        }
    }
}

impl RangeArgument {
    /// Returns whether --virtual and --physical were given.
    pub(super) const fn kinds_named(&self) -> (bool, bool) {
        (self.virtual_ranges.is_some(), self.physical.is_some())
    }

    /// Returns whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        self.file.is_none() && self.words().is_ok_and(<[String]>::is_empty)
    }

    /// Returns the ranges of the command line, without those of the file.
    ///
    /// # Errors
    /// A sentence about what makes no sense.
    pub(super) fn of_command_line(&self) -> Result<Vec<Range>, String> {
        let ranges = parse_words(self.kind(), self.words()?, self.length)?;
        refuse_overlaps(&ranges)?;
        Ok(ranges)
    }

    /// Returns all ranges, those of the command line first. `input` is read for a file named `-`.
    pub(super) fn all(&self, input: &mut dyn Read) -> Result<Vec<Range>, Stop> {
        let mut ranges = self.of_command_line().map_err(|sentence| stop(&sentence))?;
        if let Some(path) = &self.file {
            ranges.extend(range_list::read(self.kind(), path, self.length, input)?);
            refuse_overlaps(&ranges).map_err(|sentence| stop(&sentence))?;
        }
        Ok(ranges)
    }

    pub(super) const fn kind(&self) -> Kind {
        if self.physical.is_some() {
            Kind::Physical
        } else {
            Kind::Virtual
        }
    }

    fn words(&self) -> Result<&[String], String> {
        let after_option = self
            .virtual_ranges
            .as_ref()
            .or(self.physical.as_ref())
            .map_or(&[][..], Vec::as_slice);
        match (self.ranges.as_slice(), after_option) {
            (words, []) | ([], words) => Ok(words),
            _ => Err(
                "ranges stand both before and after --virtual or --physical; write all of them in \
                 one place"
                    .into(),
            ),
        }
    }
}

/// Returns the ranges of RAM, in the order of the list.
pub(super) fn of_ram(list: &[MemoryRange]) -> Result<Vec<Range>, Stop> {
    let ranges: Result<Vec<_>, _> = list
        .iter()
        .map(|range| Range::of(Kind::Physical, range.base, range.length))
        .collect();
    match ranges {
        Ok(ranges) if ranges.is_empty() => Err(stop("the system lists no RAM")),
        Ok(ranges) => Ok(ranges),
        Err(sentence) => Err(stop(&sentence)),
    }
}

/// Returns the number of bytes in all ranges.
pub(super) fn total(ranges: &[Range]) -> Result<u64, String> {
    ranges
        .iter()
        .try_fold(0_u64, |total, range| total.checked_add(range.length))
        .ok_or_else(|| "the ranges have more bytes in all than 64 bits can hold".into())
}

fn stop(sentence: &str) -> Stop {
    Stop::Sentence(format!("{sentence}."))
}

/// Parses addresses with lengths, in one word or in two. If `length` is given, it is that of every
/// address, and all words are addresses.
pub(super) fn parse_words(
    kind: Kind,
    words: &[impl AsRef<str>],
    length: Option<u64>,
) -> Result<Vec<Range>, String> {
    let mut ranges = Vec::new();
    let mut rest = words.iter().map(AsRef::as_ref);
    while let Some(word) = rest.next() {
        let (address, given) = match word.split_once(':') {
            Some((address, length)) => (address, Some(parse(length)?)),
            None if word.trim_start_matches('-').contains('-') => {
                return Err(range_list::start_to_end(word));
            }
            None => (word, None),
        };
        let address = parse(address)?;
        let length = match (given, length) {
            (Some(_), Some(_)) => {
                return Err(format!(
                    "`{word}` has a length of its own; leave it out, or leave out --length"
                ));
            }
            (Some(length), None) | (None, Some(length)) => length,
            (None, None) => match rest.next() {
                Some(length) if length.contains(':') => {
                    return Err(format!("`{word}` has no length; write {word}:LENGTH"));
                }
                Some(length) => parse(length)?,
                None if words.len() == 1 => LENGTH,
                None => {
                    return Err(format!(
                        "`{word}` has no length; write {word}:LENGTH, or --length for all"
                    ));
                }
            },
        };
        ranges.push(Range::of(kind, address, length)?);
    }
    Ok(ranges)
}

pub(super) fn parse(text: &str) -> Result<u64, String> {
    parse_number(text).map_err(|error| format!("{}: {error}", quoted(text)))
}

/// Quotes a part of what the user wrote, for a sentence.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None => format!("`{text}`"),
        Some((end, _)) => format!("`{}…`", &text[..end]),
    }
}

fn refuse_overlaps(ranges: &[Range]) -> Result<(), String> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable_by_key(|range| range.source.address());
    for pair in sorted.windows(2) {
        if let &[one, next] = pair
            && next.source.address() <= one.last()
        {
            return Err(format!(
                "the ranges {one} and {next} overlap; ask for every byte once"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str, length: Option<u64>) -> Result<Vec<(u64, u64)>, String> {
        let words: Vec<_> = text.split_whitespace().map(String::from).collect();
        let ranges = parse_words(Kind::Physical, &words, length)?;
        refuse_overlaps(&ranges)?;
        Ok(ranges
            .iter()
            .map(|range| (range.source.address(), range.length))
            .collect())
    }

    #[test]
    fn valid_ranges_are_parsed() {
        for (text, length, expected) in [
            ("", None, vec![]),
            ("0x1000", None, vec![(0x1000, 256)]),
            ("0x1000:4KiB", None, vec![(0x1000, 4096)]),
            (
                "0x1000 16 0x2000 32",
                None,
                vec![(0x1000, 16), (0x2000, 32)],
            ),
            ("1:2 0x10 3 7:1", None, vec![(1, 2), (0x10, 3), (7, 1)]),
            ("0x1000 0x2000", Some(8), vec![(0x1000, 8), (0x2000, 8)]),
            ("0xffffffffffffffff:1", None, vec![(u64::MAX, 1)]),
            ("0:0xffffffffffffffff", None, vec![(0, u64::MAX)]),
            ("16:16 0:16 32:16", None, vec![(16, 16), (0, 16), (32, 16)]),
        ] {
            assert_eq!(words(text, length).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn invalid_ranges_are_refused() {
        for (text, length, advice) in [
            ("0x1000:0", None, "0x1000:0x0 has no bytes"),
            ("0x1000", Some(0), "has no bytes"),
            ("0xffffffffffffffff:2", None, "at most 0x1 bytes"),
            ("1 2 3", None, "`3` has no length"),
            ("1 2:3", None, "`1` has no length"),
            ("1:2", Some(2), "leave out --length"),
            ("fee0:2", None, "`fee0`"),
            ("1:", None, "no digits"),
            ("1:2:3", None, "`2:3`"),
            ("0x1000-0x9f000", None, "write 0x1000:0x9e001 if it is"),
            ("0:16 15:1", None, "overlap"),
            ("15:1 0:16", None, "0x0:0x10 and 0xf:0x1 overlap"),
            ("4:1 4:1", None, "overlap"),
        ] {
            let sentence = words(text, length).unwrap_err();
            assert!(sentence.contains(advice), "{text}: {sentence}");
        }
    }

    proptest! {
        #[test]
        fn any_words_are_validated(text in "[0-9x: ]{0,40}|.*", length: Option<u64>) {
            for (address, length) in words(&text, length).unwrap_or_default() {
                prop_assert!(length > 0 && address.checked_add(length - 1).is_some());
            }
        }
    }
}
