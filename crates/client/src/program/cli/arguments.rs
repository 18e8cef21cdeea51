//! What the user may write.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use ringcopy_protocol::{Engine, MAXIMUM_LENGTH};

use super::{
    range_argument::{self, Kind, Range, RangeArgument},
    read::form::{Form, check_lime},
};
use crate::{PAGE_LENGTH, parse_number};

/// The most bytes that a JSON document carries.
pub(super) const JSON_LIMIT: u64 = 1 << 20;

/// Drives the ringcopy driver: copies memory of this process, of the device page and of the
/// system, and reports exactly what arrived.
///
/// Numbers may be decimal or, behind 0x, hexadecimal; underscores may separate digits, and KiB,
/// MiB or GiB may follow. The exit code is 0 only if everything came out as it should, 1 if
/// something did not, 2 if the command line makes no sense. Where standard output cannot be written,
/// a sentence on standard error says why, and the exit code is 1; where its reader has closed it,
/// the exit code is 1 without a word.
#[derive(Debug, Parser)]
#[command(name = "ringcopy", bin_name = "ringcopy", version)]
pub(super) struct Arguments {
    /// Print one JSON document, and nothing else, on standard output; on standard error if standard
    /// output gets the bytes that `read --output -` reads
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

    /// Whether standard output gets bytes that were read, and nothing else.
    pub(super) fn puts_bytes_on_standard_output(&self) -> bool {
        matches!(self, Self::Read(read) if read.puts_bytes_on_standard_output())
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

    /// Whether pointers in requests of other drivers are trusted, or held to a user's rules
    #[arg(long, value_enum)]
    pub(super) kernel_callers: Option<KernelCallers>,

    /// Which engine copies
    #[arg(long, value_enum)]
    pub(super) engine: Option<EngineName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KernelCallers {
    /// They follow the kernel's rules: nothing is checked
    Trust,
    /// They are held to a user's rules
    Check,
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct ReadArguments {
    #[command(flatten)]
    pub(super) ranges: RangeArgument,

    /// Who copies
    #[arg(long, value_enum, default_value_t = EngineName::Auto)]
    pub(super) engine: EngineName,

    /// Read all RAM, whose ranges the driver lists, into --output, and put a map beside it that
    /// names the ranges and what of them could not be read: FILE.map.json, which --ranges takes. A
    /// raw image has each byte at the offset that is its physical address
    #[arg(
        long,
        requires = "output",
        conflicts_with_all = ["ranges", "virtual_ranges", "length", "file", "hex"]
    )]
    pub(super) all_ram: bool,

    /// Write the bytes to this file, or, if it is -, to standard output, which then gets nothing
    /// else. The file is left alone until something was read, or, if it is new, a hole was met
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// What --output looks like
    #[arg(long, value_enum, requires = "output", conflicts_with = "hex")]
    pub(super) format: Option<FormatName>,

    /// Go on where an earlier read of the same ranges stopped filling the file
    #[arg(long, requires = "output", conflicts_with = "hex")]
    pub(super) resume: bool,

    /// Show the bytes in hexadecimal, and holes as holes: the default without --output
    #[arg(long)]
    pub(super) hex: bool,

    /// Name every range and every hole that could not be read, not the first few alone
    #[arg(long)]
    pub(super) list_holes: bool,
}

/// The forms of --output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    /// The bytes alone, one range after the other, with zeros for what cannot be read
    Raw,
    /// Segments of physical memory with their addresses, as Volatility and `MemProcFS` read them;
    /// what cannot be read is in no segment. For whole pages
    Lime,
}

/// Whether an output of this name is standard output.
pub(super) fn is_standard_output(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
        .iter()
        .any(|name| path.as_os_str() == *name)
}

impl ReadArguments {
    /// What the output looks like.
    pub(super) const fn form(&self) -> Form {
        match self.format {
            Some(FormatName::Lime) => Form::Lime,
            Some(FormatName::Raw) | None if self.all_ram => Form::Addresses,
            Some(FormatName::Raw) | None => Form::Ranges,
        }
    }

    /// Refuses ranges that an output of its form cannot have.
    pub(super) fn judge_form(&self, ranges: &[Range]) -> Result<(), String> {
        match self.form() {
            Form::Lime => check_lime(ranges),
            Form::Ranges | Form::Addresses => Ok(()),
        }
    }

    /// Whether standard output gets bytes, and nothing else.
    pub(super) fn puts_bytes_on_standard_output(&self) -> bool {
        self.output.as_deref().is_some_and(is_standard_output)
    }

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
    pub(super) ranges: RangeArgument,

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
            None if self.ranges.is_empty() => 1000,
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
            Command::Verify(verify) => verify.ranges.of_command_line().map(drop),
            _ => Ok(()),
        }
        .map_err(|sentence| Self::command().error(ErrorKind::ValueValidation, sentence))?;
        Ok(self)
    }
}

fn judge_read(read: &ReadArguments, json: bool) -> Result<(), String> {
    let ranges = read.ranges.of_command_line()?;
    match (read.ranges.is_empty(), read.all_ram) {
        (true, false) => {
            return Err(
                "nothing to read; name ranges, as in `read 0x1000:4KiB` (or behind --virtual or \
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
            "nothing can go on in standard output; name a file with --output, or leave out \
             --resume"
                .into(),
        );
    }
    if read.form() == Form::Lime && !read.all_ram && read.ranges.kind() == Kind::Virtual {
        return Err(
            "a LiME image holds physical memory; add --physical, or leave out --format".into(),
        );
    }
    read.judge_form(&ranges)?;
    read.judge_total(json, range_argument::total(&ranges)?)
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
