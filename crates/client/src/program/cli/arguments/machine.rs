//! Arguments of the commands that install, load or examine the driver.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ringcopy_protocol::HANDLE_LIMITS;

use super::{EngineName, number};

#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    /// The package's folder; by default the folder of this program
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,

    /// Make this machine trust the package's certificate, until `uninstall`
    #[arg(long)]
    pub(crate) trust_certificate: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArguments {
    #[command(subcommand)]
    pub(crate) action: Option<PolicyAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    /// Show the policy
    Show,
    /// Change the policy; settings that are not named stay as they are
    Set(PolicySetArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TraceArguments {
    #[command(subcommand)]
    pub(crate) action: TraceAction,
}

/// The file of a trace, if none is named.
const TRACE_FILE: &str = "ringcopy.etl";

#[derive(Debug, Subcommand)]
pub(crate) enum TraceAction {
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
pub(crate) struct TraceStartArguments {
    /// The file, which is replaced; after 64 MiB the oldest events are overwritten
    #[arg(long, value_name = "FILE", default_value = TRACE_FILE)]
    pub(crate) file: PathBuf,

    /// Leave out events below this level
    #[arg(long, value_enum, default_value_t = TraceLevel::Verbose)]
    pub(crate) level: TraceLevel,
}

/// `TRACE_LEVEL_…`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TraceLevel {
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
pub(crate) struct PolicySetArguments {
    /// What callers with `SeDebugPrivilege` may reach besides their own memory
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) reach: Vec<ReachName>,

    /// Whether pointers in requests of other drivers are trusted, or checked like a user's
    #[arg(long, value_enum)]
    pub(crate) kernel_callers: Option<KernelCallers>,

    /// Which engine copies
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,

    /// Whether the native engine may be used where a hypervisor may withhold memory
    #[arg(long, value_enum)]
    pub(crate) native_under_hypervisor: Option<Permission>,

    /// How many handles may be open at a time, 1 to 4096
    #[arg(long, value_name = "COUNT", value_parser = handle_count)]
    pub(crate) maximum_handles: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Permission {
    /// It may
    Allow,
    /// It may not
    Forbid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KernelCallers {
    /// Check nothing
    Trust,
    /// Check them like a user's
    Check,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReachName {
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
pub(crate) struct VmTestArguments {
    /// The folder for the report, and for what the test needs to continue after a restart
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,

    /// How often to load and unload the driver
    #[arg(long, value_name = "TIMES", default_value_t = 100, hide = true)]
    pub(crate) loads: u32,

    /// Use only settings of Driver Verifier that take effect at once, for machines that cannot be
    /// restarted; the report says which checks that leaves out
    #[arg(long)]
    pub(crate) no_restart: bool,

    /// Add a last round that reads memory of the whole system with both engines: it may stop the machine
    #[arg(long)]
    pub(crate) risky: bool,

    /// End a test that has begun: turn Driver Verifier off, and write a report
    #[arg(long)]
    pub(crate) give_up: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GuestArguments {
    /// The serial port that leads to the host
    #[arg(long, value_name = "PORT", default_value = "COM1")]
    pub(crate) port: String,

    /// The folder for reports, and for what the guest needs to continue after a restart
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
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
