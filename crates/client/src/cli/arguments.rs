//! What the user may write.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use ringcopy_protocol::{Engine, MAXIMUM_LENGTH};

use crate::{PAGE_LENGTH, Source, parse_number};

/// The most bytes that a JSON document carries.
pub(super) const JSON_LIMIT: u64 = 1 << 20;

/// Drives the ringcopy driver: copies memory of this process, of the device page and of the
/// system, and reports exactly what arrived.
///
/// Numbers may be decimal or, behind 0x, hexadecimal; underscores may separate digits, and KiB,
/// MiB or GiB may follow. The exit code is 0 only if everything came out as it should, 1 if
/// something did not, 2 if the command line makes no sense.
#[derive(Debug, Parser)]
#[command(name = "ringcopy", bin_name = "ringcopy", version)]
pub(super) struct Arguments {
    /// Print one JSON document, and nothing else, on standard output
    #[arg(long, global = true)]
    pub(super) json: bool,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what the driver is, and what this process may reach through it
    Info,
    /// Copy memory of this process through the driver and back, and compare
    Copy(CopyArguments),
    /// Read virtual or physical memory
    Read(ReadArguments),
    /// Run every case that a driver has to get right, and say which it did not
    Selftest,
}

impl Command {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Copy(_) => "copy",
            Self::Read(_) => "read",
            Self::Selftest => "selftest",
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct CopyArguments {
    /// Bytes to copy, at most 64 MiB; the session buffer takes the first 16 KiB of them
    #[arg(long, value_name = "BYTES", value_parser = copy_length, default_value = "4KiB")]
    pub(super) length: u64,

    /// Alignment to ask for, in bytes: the driver refuses a source that does not have it
    #[arg(long, value_name = "BYTES", value_parser = alignment, default_value = "1")]
    pub(super) alignment: u32,

    /// Move the buffers so many bytes away from the start of a page, to see what happens
    #[arg(long, value_name = "BYTES", value_parser = misalignment, default_value = "0")]
    pub(super) misalign: u64,

    /// Copy this text, and print what arrived
    #[arg(long, conflicts_with = "length")]
    pub(super) text: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct SourceArguments {
    /// The virtual address to read from: this process's, or the system's if the policy allows it
    #[arg(long = "virtual", value_name = "ADDRESS", value_parser = number)]
    virtual_address: Option<u64>,

    /// The physical address to read from, if the policy allows it
    #[arg(long = "physical", value_name = "ADDRESS", value_parser = number)]
    physical_address: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct ReadArguments {
    #[command(flatten)]
    source: SourceArguments,

    /// Bytes to read
    #[arg(long, value_name = "BYTES", value_parser = number, default_value = "256")]
    pub(super) length: u64,

    /// Who copies
    #[arg(long, value_enum, default_value_t = EngineName::Auto)]
    pub(super) engine: EngineName,

    /// Write the bytes to this file, instead of showing them
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

impl ReadArguments {
    pub(super) fn source(&self) -> Source {
        match (self.source.virtual_address, self.source.physical_address) {
            (Some(address), _) => Source::Virtual(address),
            // The group takes no command line without one of the two.
            (None, address) => Source::Physical(address.unwrap_or_default()),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum EngineName {
    /// The native engine where it may be used, else the system's
    Auto,
    /// The driver's own page-table walk and window
    Native,
    /// `MmCopyMemory`
    System,
}

impl From<EngineName> for Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Auto => Self::Auto,
            EngineName::Native => Self::Native,
            EngineName::System => Self::System,
        }
    }
}

impl Arguments {
    /// Refuses combinations that each make sense alone.
    pub(super) fn judge(self) -> Result<Self, clap::Error> {
        if let Command::Read(read) = &self.command
            && self.json
            && read.output.is_none()
            && read.length > JSON_LIMIT
        {
            return Err(Self::command().error(
                ErrorKind::ValueValidation,
                "a JSON document carries at most 1 MiB of memory; add --output FILE, or ask for \
                 less with --length",
            ));
        }
        Ok(self)
    }
}

fn number(text: &str) -> Result<u64, String> {
    parse_number(text).map_err(|error| error.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_put_together_well() {
        Arguments::command().debug_assert();
    }
}
