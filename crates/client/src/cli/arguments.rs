//! What the user may write.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use ringcopy_protocol::{Engine, MAXIMUM_LENGTH};

use super::wanted::{self, Wanted};
use crate::{PAGE_LENGTH, parse_number};

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
    /// Show which physical memory is RAM
    Ranges,
    /// Read ranges of virtual or physical memory
    Read(ReadArguments),
    /// Compare what both engines read, of given ranges or by chance
    Verify(VerifyArguments),
    /// Run every case that a driver has to get right, and say which it did not
    Selftest,
    /// Install the driver: its image, its service, and the policy that allows least
    Install(InstallArguments),
    /// Unload the driver and remove all that `install` and `policy` have left on this machine
    Uninstall,
    /// Load the driver
    Start,
    /// Unload the driver
    Stop,
    /// Show whether the driver is installed and loaded
    Status,
    /// Show or change what the driver may reach besides its callers' own memory
    Policy(PolicyArguments),
    /// Check what the driver needs of this machine, and say what is missing
    Doctor,
    /// Put the driver under Driver Verifier, exercise it, and write a report: for virtual machines
    VmTest(VmTestArguments),
}

impl Command {
    /// Whether it is about the driver's machine, not about the driver alone.
    pub(super) const fn is_about_machine(&self) -> bool {
        matches!(
            self,
            Self::Install(_)
                | Self::Uninstall
                | Self::Start
                | Self::Stop
                | Self::Status
                | Self::Policy(_)
                | Self::Doctor
                | Self::VmTest(_)
        )
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Copy(_) => "copy",
            Self::Ranges => "ranges",
            Self::Read(_) => "read",
            Self::Verify(_) => "verify",
            Self::Selftest => "selftest",
            Self::Install(_) => "install",
            Self::Uninstall => "uninstall",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Status => "status",
            Self::Policy(_) => "policy",
            Self::Doctor => "doctor",
            Self::VmTest(_) => "vm-test",
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct InstallArguments {
    /// The package's folder; where this program is, if it is not given
    #[arg(long, value_name = "DIR")]
    pub(super) from: Option<PathBuf>,

    /// Make this machine trust the package's certificate, until `uninstall`
    #[arg(long)]
    pub(super) trust_certificate: bool,
}

#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    pub(super) action: Option<PolicyAction>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyAction {
    /// Show it
    Show,
    /// Change it; what is not named stays as it is
    Set(PolicySetArguments),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct PolicySetArguments {
    /// What callers with `SeDebugPrivilege` may reach besides their own memory
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(super) reach: Vec<ReachName>,

    /// Which engine copies
    #[arg(long, value_enum)]
    pub(super) engine: Option<EngineName>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ReachName {
    /// Nothing else
    User,
    /// System virtual memory
    System,
    /// Physical memory
    Physical,
    /// Both
    All,
}

#[derive(Debug, Args)]
pub(super) struct VmTestArguments {
    /// Where the report goes, and what is needed to go on after a restart
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) folder: PathBuf,

    /// How often to load and unload the driver
    #[arg(long, value_name = "TIMES", default_value_t = 100, hide = true)]
    pub(super) loads: u32,

    /// End a test that is under way: turn Driver Verifier off, and write what there is
    #[arg(long)]
    pub(super) give_up: bool,
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
pub(super) struct ReadArguments {
    #[command(flatten)]
    pub(super) wanted: Wanted,

    /// Who copies
    #[arg(long, value_enum, default_value_t = EngineName::Auto)]
    pub(super) engine: EngineName,

    /// Write the bytes to this file, one range behind the other, with zeros for what cannot be read
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Go on where an earlier read of the same ranges stopped filling the file
    #[arg(long, requires = "output", conflicts_with = "hex")]
    pub(super) resume: bool,

    /// Show the bytes in hexadecimal, and holes as holes: the default without --output
    #[arg(long)]
    pub(super) hex: bool,
}

impl ReadArguments {
    /// Refuses more than a JSON document carries.
    pub(super) fn judge_total(&self, json: bool, total: u64) -> Result<(), String> {
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

/// Without ranges and without --random, 1000 pieces are chosen.
#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    pub(super) wanted: Wanted,

    /// Compare so many pieces of memory, chosen by chance: of RAM, its edges, the holes between,
    /// the session buffer, both ends of both halves of the address space, and this process's own
    #[arg(long, value_name = "COUNT", value_parser = number)]
    pub(super) random: Option<u64>,

    /// What decides the choice: the same seed chooses the same on the same machine
    #[arg(long, value_name = "SEED", value_parser = number)]
    pub(super) seed: Option<u64>,
}

impl VerifyArguments {
    /// How many pieces are to be chosen.
    pub(super) fn count(&self) -> u64 {
        match self.random {
            Some(count) => count,
            None if self.wanted.is_empty() => 1000,
            None => 0,
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

impl EngineName {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::System => "system",
        }
    }
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
        match &self.command {
            Command::Read(read) => judge_read(read, self.json),
            Command::Verify(verify) => verify.wanted.of_command_line().map(drop),
            _ => Ok(()),
        }
        .map_err(|sentence| Self::command().error(ErrorKind::ValueValidation, sentence))?;
        Ok(self)
    }
}

fn judge_read(read: &ReadArguments, json: bool) -> Result<(), String> {
    let ranges = read.wanted.of_command_line()?;
    if read.wanted.is_empty() {
        return Err(
            "nothing to read; name ranges, as in `read 0x1000:4KiB` (or behind --virtual or \
             --physical), or a file of them with --ranges"
                .into(),
        );
    }
    read.judge_total(json, wanted::total(&ranges)?)
}

pub(super) fn number(text: &str) -> Result<u64, String> {
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
