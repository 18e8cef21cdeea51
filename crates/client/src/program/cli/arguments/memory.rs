//! Arguments of the commands that copy memory.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ringcopy_protocol::{EngineKind, MAXIMUM_LENGTH};

use super::{
    super::{
        range_argument::{self, Kind, Range, RangeArgument},
        read::form::{Form, check_lime},
    },
    number,
};
use crate::PAGE_LENGTH;

/// The most bytes that a JSON document carries.
pub(crate) const JSON_LIMIT: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(crate) struct CopyArguments {
    /// Bytes to copy, at most 64 MiB; the first 16 KiB also go through the session buffer
    #[arg(long, value_name = "BYTES", value_parser = copy_length, default_value = "4KiB")]
    pub(crate) length: u64,

    /// Alignment to ask for, in bytes: the driver refuses a source that does not have it
    #[arg(long, value_name = "BYTES", value_parser = alignment, default_value = "1")]
    pub(crate) alignment: u32,

    /// Move the buffers this far from the start of a page
    #[arg(long, value_name = "BYTES", value_parser = misalignment, default_value = "0")]
    pub(crate) misalign: u64,

    /// Copy this text, and print what arrived
    #[arg(long, conflicts_with = "length")]
    pub(crate) text: Option<String>,
}

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct ReadArguments {
    #[command(flatten)]
    pub(crate) ranges: RangeArgument,

    /// Which engine copies
    #[arg(long, value_enum, default_value_t = EngineName::Auto)]
    pub(crate) engine: EngineName,

    /// Read all RAM into --output. A map beside it, FILE.map.json, names the ranges and the holes
    /// in them; --ranges takes it. A raw image has each byte at the offset that is its physical
    /// address
    #[arg(
        long,
        requires = "output",
        conflicts_with_all = ["ranges", "virtual_ranges", "length", "file", "hex"]
    )]
    pub(crate) all_ram: bool,

    /// Write the bytes to this file; for -, to standard output, which then gets nothing else. An
    /// existing file keeps its contents until a byte was read
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// The format of --output
    #[arg(long, value_enum, requires = "output", conflicts_with = "hex")]
    pub(crate) format: Option<FormatName>,

    /// Continue an earlier read of the same ranges that did not complete the file
    #[arg(long, requires = "output", conflicts_with = "hex")]
    pub(crate) resume: bool,

    /// Show the bytes in hexadecimal, with the holes marked: the default without --output
    #[arg(long)]
    pub(crate) hex: bool,

    /// List all ranges and holes that could not be read, not only the first few
    #[arg(long)]
    pub(crate) list_holes: bool,
}

/// The formats of --output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// Only the bytes, one range after the other, with zeros in the holes
    Raw,
    /// Segments of physical memory with their addresses, for Volatility and `MemProcFS`; holes are
    /// in no segment. For whole pages
    Lime,
}

/// Returns whether an output of this name is standard output.
pub(crate) fn is_standard_output(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
        .iter()
        .any(|name| path.as_os_str() == *name)
}

impl ReadArguments {
    /// Returns the format of the output.
    pub(crate) const fn form(&self) -> Form {
        match self.format {
            Some(FormatName::Lime) => Form::Lime,
            Some(FormatName::Raw) | None if self.all_ram => Form::Addresses,
            Some(FormatName::Raw) | None => Form::Ranges,
        }
    }

    /// Refuses ranges that the output's format cannot hold.
    pub(crate) fn validate_form(&self, ranges: &[Range]) -> Result<(), String> {
        match self.form() {
            Form::Lime => check_lime(ranges),
            Form::Ranges | Form::Addresses => Ok(()),
        }
    }

    /// Returns whether standard output gets the bytes, and nothing else.
    pub(crate) fn puts_bytes_on_standard_output(&self) -> bool {
        self.output.as_deref().is_some_and(is_standard_output)
    }

    /// Refuses more bytes than a JSON document carries.
    pub(crate) fn validate_total(&self, json: bool, total: u64) -> Result<(), String> {
        if json && self.output.is_none() && total > JSON_LIMIT {
            return Err(
                "a JSON document carries at most 1 MiB of memory; add --output FILE, or ask for \
                 less"
                    .into(),
            );
        }
        Ok(())
    }
}

/// Without ranges and without --random, 1000 random pieces are compared.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub(crate) ranges: RangeArgument,

    /// Compare this many random pieces of memory: of RAM, its edges, the holes between, the session
    /// buffer, both ends of both halves of the address space, and this process's own memory
    #[arg(long, value_name = "COUNT", value_parser = number)]
    pub(crate) random: Option<u64>,

    /// The seed of the random choice: the same seed chooses the same pieces on the same machine
    #[arg(long, value_name = "SEED", value_parser = number)]
    pub(crate) seed: Option<u64>,
}

impl VerifyArguments {
    /// Returns the number of random pieces.
    pub(crate) fn count(&self) -> u64 {
        match self.random {
            Some(count) => count,
            None if self.ranges.is_empty() => 1000,
            None => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum EngineName {
    /// The native engine if it may be used, else the system's
    Auto,
    /// The driver's own page-table walk and window
    Native,
    /// `MmCopyMemory`
    System,
}

impl From<EngineName> for EngineKind {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Auto => Self::Auto,
            EngineName::Native => Self::Native,
            EngineName::System => Self::System,
        }
    }
}

pub(super) fn validate_read(read: &ReadArguments, json: bool) -> Result<(), String> {
    let ranges = read.ranges.of_command_line()?;
    match (read.ranges.is_empty(), read.all_ram) {
        (true, false) => {
            return Err(
                "nothing to read; name ranges, as in `read 0x1000:4KiB` (or after --virtual or \
                 --physical), or a file of them with --ranges, or all RAM with --all-ram"
                    .into(),
            );
        }
        (false, true) => {
            return Err("--all-ram reads all RAM; leave out the ranges, or --all-ram".into());
        }
        _ => {}
    }
    if read.resume && read.puts_bytes_on_standard_output() {
        return Err(
            "a read to standard output cannot be continued; name a file with --output, or leave \
             out --resume"
                .into(),
        );
    }
    if read.form() == Form::Lime && !read.all_ram && read.ranges.kind() == Kind::Virtual {
        return Err(
            "a LiME image holds physical memory; add --physical, or leave out --format".into(),
        );
    }
    read.validate_form(&ranges)?;
    read.validate_total(json, range_argument::total(&ranges)?)
}

fn copy_length(text: &str) -> Result<u64, String> {
    match number(text)? {
        length if length > MAXIMUM_LENGTH => {
            Err("one request copies at most 64 MiB; ask for less".into())
        }
        length => Ok(length),
    }
}

fn alignment(text: &str) -> Result<u32, String> {
    u32::try_from(number(text)?).map_err(|_| "an alignment has 32 bits; ask for less".into())
}

fn misalignment(text: &str) -> Result<u64, String> {
    match number(text)? {
        offset if offset >= PAGE_LENGTH => {
            Err(format!("a page has {PAGE_LENGTH} bytes; stay below that"))
        }
        offset => Ok(offset),
    }
}
