//! The arguments of the command line.

mod machine;
mod memory;

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};

pub(super) use machine::{
    GuestArguments, InstallArguments, KernelCallers, Permission, PolicyAction, PolicyArguments,
    ReachName, TraceAction, TraceArguments, TraceLevel, VmTestArguments,
};
pub(super) use memory::{
    CopyArguments, EngineName, ReadArguments, VerifyArguments, is_standard_output,
};

use crate::parse_number;

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
    ///
    /// A line has `ok`, `BAD` or `?`. The last stands for what is not known, or does not matter: a driver
    /// that is not loaded says nothing of itself. The command fails if a line has `BAD`.
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

impl Arguments {
    /// Refuses arguments that make sense alone but not together.
    pub(super) fn validate(self) -> Result<Self, clap::Error> {
        match &self.command {
            Command::Driver(DriverCommand::Read(read)) => memory::validate_read(read, self.json),
            Command::Driver(DriverCommand::Verify(verify)) => {
                verify.ranges.of_command_line().map(drop)
            }
            _ => Ok(()),
        }
        .map_err(|sentence| Self::command().error(ErrorKind::ValueValidation, sentence))?;
        Ok(self)
    }
}

pub(super) fn number(text: &str) -> Result<u64, String> {
    parse_number(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
