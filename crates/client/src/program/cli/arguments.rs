//! The arguments of the command line.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use ringcopy_protocol::{EngineKind, HANDLE_LIMITS, MAXIMUM_LENGTH};

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
/// Numbers are decimal, or hexadecimal after 0x. Underscores may separate digits, and KiB, MiB or
/// GiB may follow. The exit code is 0 if everything ended as it should, 1 if something failed, 2 if
/// the command line makes no sense. If standard output cannot be written, the exit code is 1 and a
/// sentence on standard error says why; if its reader has closed it, there is no sentence.
#[derive(Debug, Parser)]
#[command(name = "ringcopy", bin_name = "ringcopy", version)]
pub(super) struct Arguments {
    /// Print one JSON document, and nothing else, on standard output; on standard error if standard
    /// output gets the bytes of `read --output -`
    #[arg(long, global = true)]
    pub(super) json: bool,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Driver(DriverCommand),
    #[command(flatten)]
    System(SystemCommand),
}

/// The commands that send requests to the driver.
#[derive(Debug, Subcommand)]
pub(super) enum DriverCommand {
    /// Show what the driver is, and what this process may reach through it
    Info,
    /// Copy memory of this process through the driver and back, and compare
    Copy(CopyArguments),
    /// Show which physical memory is RAM
    Ranges,
    /// Read ranges of virtual or physical memory
    Read(ReadArguments),
    /// Compare what both engines read, of given ranges or of random pieces
    Verify(VerifyArguments),
    /// Run every case of the self-test, and say which failed
    Selftest,
}

/// The commands that install, load or examine the driver on its machine.
#[derive(Debug, Subcommand)]
pub(super) enum SystemCommand {
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
    /// Collect the driver's events with Event Tracing for Windows, and show them
    Trace(TraceArguments),
    /// Check what the driver needs of this machine, and say what is missing
    Doctor,
    /// Put the driver under Driver Verifier, exercise it, and write a report: for virtual machines
    VmTest(VmTestArguments),
    /// Run commands for a host over a serial port: for virtual machines
    Guest(GuestArguments),
}

impl Command {
    /// Returns whether standard output gets the bytes that were read, and nothing else.
    pub(super) fn puts_bytes_on_standard_output(&self) -> bool {
        matches!(self, Self::Driver(DriverCommand::Read(read)) if read.puts_bytes_on_standard_output())
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Driver(command) => match command {
                DriverCommand::Info => "info",
                DriverCommand::Copy(_) => "copy",
                DriverCommand::Ranges => "ranges",
                DriverCommand::Read(_) => "read",
                DriverCommand::Verify(_) => "verify",
                DriverCommand::Selftest => "selftest",
            },
            Self::System(command) => match command {
                SystemCommand::Install(_) => "install",
                SystemCommand::Uninstall => "uninstall",
                SystemCommand::Start => "start",
                SystemCommand::Stop => "stop",
                SystemCommand::Status => "status",
                SystemCommand::Policy(_) => "policy",
                SystemCommand::Trace(_) => "trace",
                SystemCommand::Doctor => "doctor",
                SystemCommand::VmTest(_) => "vm-test",
                SystemCommand::Guest(_) => "guest",
            },
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct InstallArguments {
    /// The package's folder; by default the folder of this program
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
    /// Show the policy
    Show,
    /// Change the policy; settings that are not named stay as they are
    Set(PolicySetArguments),
}

#[derive(Debug, Args)]
pub(super) struct TraceArguments {
    #[command(subcommand)]
    pub(super) action: TraceAction,
}

/// The file of a trace, if none is named.
const TRACE_FILE: &str = "ringcopy.etl";

#[derive(Debug, Subcommand)]
pub(super) enum TraceAction {
    /// Start to collect events, until `stop` or a restart
    Start(TraceStartArguments),
    /// Stop, and name the file
    Stop,
    /// Show the events in a file
    Show {
        /// The file
        #[arg(value_name = "FILE", default_value = TRACE_FILE)]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct TraceStartArguments {
    /// The file, which is replaced; after 64 MiB the oldest events are overwritten
    #[arg(long, value_name = "FILE", default_value = TRACE_FILE)]
    pub(super) file: PathBuf,

    /// Leave out events below this level
    #[arg(long, value_enum, default_value_t = TraceLevel::Verbose)]
    pub(super) level: TraceLevel,
}

/// `TRACE_LEVEL_…`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum TraceLevel {
    /// Loads that failed
    Error = 2,
    /// Also refused opens and requests, and what was out of reach
    Warning = 3,
    /// Also loads, unloads, settings and opens
    Information = 4,
    /// Also each copy that stopped, and each change of the engine
    Verbose = 5,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct PolicySetArguments {
    /// What callers with `SeDebugPrivilege` may reach besides their own memory
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(super) reach: Vec<ReachName>,

    /// Whether pointers in requests of other drivers are trusted, or checked like a user's
    #[arg(long, value_enum)]
    pub(super) kernel_callers: Option<KernelCallers>,

    /// Which engine copies
    #[arg(long, value_enum)]
    pub(super) engine: Option<EngineName>,

    /// Whether the native engine may be used where a hypervisor may withhold memory
    #[arg(long, value_enum)]
    pub(super) native_under_hypervisor: Option<Permission>,

    /// How many handles may be open at a time, 1 to 4096
    #[arg(long, value_name = "COUNT", value_parser = handle_count)]
    pub(super) maximum_handles: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Permission {
    /// It may
    Allow,
    /// It may not
    Forbid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KernelCallers {
    /// Check nothing
    Trust,
    /// Check them like a user's
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
    /// The folder for the report, and for what the test needs to continue after a restart
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) folder: PathBuf,

    /// How often to load and unload the driver
    #[arg(long, value_name = "TIMES", default_value_t = 100, hide = true)]
    pub(super) loads: u32,

    /// Use only settings of Driver Verifier that take effect at once, for machines that cannot be
    /// restarted; the report says which checks that leaves out
    #[arg(long)]
    pub(super) no_restart: bool,

    /// Add a last round that reads memory of the whole system with both engines: it may stop the machine
    #[arg(long)]
    pub(super) risky: bool,

    /// End a test that has begun: turn Driver Verifier off, and write a report
    #[arg(long)]
    pub(super) give_up: bool,
}

#[derive(Debug, Args)]
pub(super) struct GuestArguments {
    /// The serial port that leads to the host
    #[arg(long, value_name = "PORT", default_value = "COM1")]
    pub(super) port: String,

    /// The folder for reports, and for what the guest needs to continue after a restart
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct CopyArguments {
    /// Bytes to copy, at most 64 MiB; the first 16 KiB also go through the session buffer
    #[arg(long, value_name = "BYTES", value_parser = copy_length, default_value = "4KiB")]
    pub(super) length: u64,

    /// Alignment to ask for, in bytes: the driver refuses a source that does not have it
    #[arg(long, value_name = "BYTES", value_parser = alignment, default_value = "1")]
    pub(super) alignment: u32,

    /// Move the buffers this far from the start of a page
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

    /// Which engine copies
    #[arg(long, value_enum, default_value_t = EngineName::Auto)]
    pub(super) engine: EngineName,

    /// Read all RAM into --output. A map beside it, FILE.map.json, names the ranges and the holes
    /// in them; --ranges takes it. A raw image has each byte at the offset that is its physical
    /// address
    #[arg(
        long,
        requires = "output",
        conflicts_with_all = ["ranges", "virtual_ranges", "length", "file", "hex"]
    )]
    pub(super) all_ram: bool,

    /// Write the bytes to this file; for -, to standard output, which then gets nothing else. An
    /// existing file keeps its contents until a byte was read
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// The format of --output
    #[arg(long, value_enum, requires = "output", conflicts_with = "hex")]
    pub(super) format: Option<FormatName>,

    /// Continue an earlier read of the same ranges that did not complete the file
    #[arg(long, requires = "output", conflicts_with = "hex")]
    pub(super) resume: bool,

    /// Show the bytes in hexadecimal, with the holes marked: the default without --output
    #[arg(long)]
    pub(super) hex: bool,

    /// List all ranges and holes that could not be read, not only the first few
    #[arg(long)]
    pub(super) list_holes: bool,
}

/// The formats of --output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    /// Only the bytes, one range after the other, with zeros in the holes
    Raw,
    /// Segments of physical memory with their addresses, for Volatility and `MemProcFS`; holes are
    /// in no segment. For whole pages
    Lime,
}

/// Returns whether an output of this name is standard output.
pub(super) fn is_standard_output(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
        .iter()
        .any(|name| path.as_os_str() == *name)
}

impl ReadArguments {
    /// Returns the format of the output.
    pub(super) const fn form(&self) -> Form {
        match self.format {
            Some(FormatName::Lime) => Form::Lime,
            Some(FormatName::Raw) | None if self.all_ram => Form::Addresses,
            Some(FormatName::Raw) | None => Form::Ranges,
        }
    }

    /// Refuses ranges that the output's format cannot hold.
    pub(super) fn validate_form(&self, ranges: &[Range]) -> Result<(), String> {
        match self.form() {
            Form::Lime => check_lime(ranges),
            Form::Ranges | Form::Addresses => Ok(()),
        }
    }

    /// Returns whether standard output gets the bytes, and nothing else.
    pub(super) fn puts_bytes_on_standard_output(&self) -> bool {
        self.output.as_deref().is_some_and(is_standard_output)
    }

    /// Refuses more bytes than a JSON document carries.
    pub(super) fn validate_total(&self, json: bool, total: u64) -> Result<(), String> {
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
pub(super) struct VerifyArguments {
    #[command(flatten)]
    pub(super) ranges: RangeArgument,

    /// Compare this many random pieces of memory: of RAM, its edges, the holes between, the session
    /// buffer, both ends of both halves of the address space, and this process's own memory
    #[arg(long, value_name = "COUNT", value_parser = number)]
    pub(super) random: Option<u64>,

    /// The seed of the random choice: the same seed chooses the same pieces on the same machine
    #[arg(long, value_name = "SEED", value_parser = number)]
    pub(super) seed: Option<u64>,
}

impl VerifyArguments {
    /// Returns the number of random pieces.
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

impl Arguments {
    /// Refuses arguments that make sense alone but not together.
    pub(super) fn validate(self) -> Result<Self, clap::Error> {
        match &self.command {
            Command::Driver(DriverCommand::Read(read)) => validate_read(read, self.json),
            Command::Driver(DriverCommand::Verify(verify)) => {
                verify.ranges.of_command_line().map(drop)
            }
            _ => Ok(()),
        }
        .map_err(|sentence| Self::command().error(ErrorKind::ValueValidation, sentence))?;
        Ok(self)
    }
}

fn validate_read(read: &ReadArguments, json: bool) -> Result<(), String> {
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

fn handle_count(text: &str) -> Result<u32, String> {
    u32::try_from(number(text)?)
        .ok()
        .filter(|count| HANDLE_LIMITS.contains(count))
        .ok_or_else(|| {
            let (least, most) = (HANDLE_LIMITS.start(), HANDLE_LIMITS.end());
            format!("the driver takes {least} to {most}; name a number in that range")
        })
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
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
