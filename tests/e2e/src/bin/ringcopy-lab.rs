//! The `ringcopy-lab` program: runs a `ringcopy` command in a lab.

#![forbid(unsafe_code)]

use std::{
    cell::OnceCell,
    env, fmt,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, ValueEnum, value_parser};
use ringcopy_client::{
    Transport, TransportError,
    cli::{self, Console},
    parse_number,
    protocol::{EngineKind, Reach},
    trace::VERBOSE,
};
use ringcopy_lab::{
    Counted, Lab, LabError, Options, PROCESSORS, RamState, Withheld, interrupt_on_signals,
    show_event, token,
};
use ringcopy_tests::{options_for, with_engine};

/// Starts the lab, loads the driver, and runs one `ringcopy` command against it.
///
/// The environment variables `RINGCOPY_LAB_KERNEL`, `RINGCOPY_WDFLDR` and `RINGCOPY_DRIVER` replace
/// missing options. `RINGCOPY_LAB_ACCEL=kvm` uses KVM instead of QEMU's own translator. The exit
/// code is the command's, or 1 if the driver leaked anything or caused a bugcheck. Ctrl-C ends
/// the command with a message; a second one ends the program at once.
#[derive(Debug, Parser)]
#[command(name = "ringcopy-lab", version)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
struct Arguments {
    /// The lab's kernel
    #[arg(long, value_name = "ELF")]
    kernel: Option<PathBuf>,

    /// An image to load: the driver, and WDFLDR.SYS
    #[arg(long = "image", value_name = "SYS")]
    images: Vec<PathBuf>,

    /// What the administrator allows
    #[arg(long, value_enum, default_value_t = Policy::All)]
    policy: Policy,

    /// Which engine the administrator allows
    #[arg(long, value_enum)]
    engine: Option<EngineName>,

    /// Run the command without `SeDebugPrivilege` and outside Administrators
    #[arg(long)]
    unprivileged: bool,

    /// Determines where images and page tables lie
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// The number of processors
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u32).range(1..=PROCESSORS as i64))]
    processors: u32,

    /// Use five levels of page tables
    #[arg(long)]
    five_levels: bool,

    /// Count instructions, and print how many the command's requests took
    #[arg(long)]
    icount: bool,

    /// Show what the lab logs, and every request and exception
    #[arg(long)]
    verbose: bool,

    /// Show the events that the driver writes for Event Tracing for Windows
    #[arg(long)]
    trace: bool,

    /// Withhold the frame of this physical address from the driver, as a hypervisor does
    #[arg(long, value_name = "ADDRESS", value_parser = parse_number)]
    withhold: Option<u64>,

    /// Add the 2 MiB of RAM at this physical address after the driver is loaded, not before
    #[arg(long, value_name = "ADDRESS", value_parser = parse_number)]
    add_ram: Option<u64>,

    /// The `ringcopy` command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    /// The caller's own memory
    User,
    /// Also system virtual memory
    System,
    /// Also physical memory
    Physical,
    /// All of these
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineName {
    /// The native engine where its self-check passed
    Auto,
    /// The native engine
    Native,
    /// The system's engine
    System,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = options(&arguments).and_then(|options| {
        interrupt_on_signals(&options.interrupted)
            .map_err(|error| format!("cannot listen for signals: {error}."))?;
        Ok(run(&arguments, &options))
    });
    let code = done.unwrap_or_else(|sentence| {
        print_error(format_args!("ringcopy-lab: {sentence}"));
        cli::FAILURE
    });
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Prints a line to standard error, if possible.
fn print_error(line: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr(), "{line}"));
}

fn options(arguments: &Arguments) -> Result<Options, String> {
    let kernel = given(arguments.kernel.clone(), "--kernel", "RINGCOPY_LAB_KERNEL")?;
    let mut images = arguments.images.clone();
    if images.is_empty() {
        images.push(given(None, "--image", "RINGCOPY_WDFLDR")?);
        images.push(given(None, "--image", "RINGCOPY_DRIVER")?);
    }
    let policy = match arguments.policy {
        Policy::User => Reach::empty(),
        Policy::System => Reach::SYSTEM_VIRTUAL,
        Policy::Physical => Reach::PHYSICAL,
        Policy::All => Reach::MEMORY,
    };
    let options = options_for(kernel, images, policy);
    let options = match arguments.engine {
        None => options,
        Some(EngineName::Auto) => with_engine(EngineKind::Auto, options),
        Some(EngineName::Native) => with_engine(EngineKind::Native, options),
        Some(EngineName::System) => with_engine(EngineKind::System, options),
    };
    Ok(Options {
        seed: arguments.seed,
        processors: arguments.processors,
        five_levels: arguments.five_levels,
        counted: if arguments.icount {
            Counted::All
        } else {
            Counted::Nothing
        },
        verbose: arguments.verbose,
        trace: arguments.trace.then_some(VERBOSE),
        ..options
    })
}

fn given(path: Option<PathBuf>, option: &str, variable: &str) -> Result<PathBuf, String> {
    path.or_else(|| env::var_os(variable).map(PathBuf::from))
        .ok_or_else(|| {
            format!("{option} is missing; `cargo xtask lab` builds everything and passes it, or set {variable}.")
        })
}

/// The length of RAM that `--add-ram` adds.
const ADDED: u64 = 2 << 20;

/// Makes the changes of memory that the command line asks for.
fn change_memory(lab: &Lab, arguments: &Arguments) -> Result<(), LabError> {
    if let Some(address) = arguments.add_ram {
        lab.set_ram(address, ADDED, RamState::Absent)?;
        lab.unload()?;
        lab.load()?;
        lab.set_ram(address, ADDED, RamState::Listed)?;
    }
    if let Some(address) = arguments.withhold {
        lab.withhold(address, Withheld::Frame, true)?;
    }
    Ok(())
}

fn run(arguments: &Arguments, options: &Options) -> i32 {
    let lab = OnceCell::new();
    let code = cli::run(
        std::iter::once("ringcopy").chain(arguments.command.iter().map(String::as_str)),
        &mut Console {
            out: &mut io::stdout().lock(),
            err: &mut io::stderr(),
            input: &mut io::stdin(),
            terminal: io::stdout().is_terminal(),
            progress: io::stderr().is_terminal(),
        },
        &mut || {
            let booted = Lab::boot(options.clone())?;
            change_memory(&booted, arguments)?;
            let process = lab
                .get_or_init(|| booted)
                .process(if arguments.unprivileged {
                    0
                } else {
                    token::ADMINISTRATORS | token::DEBUG_PRIVILEGE
                })?;
            Ok::<_, TransportError>(Box::new(process) as Box<dyn Transport>)
        },
    );
    let lab = lab.into_inner();
    if let Some(instructions) = lab.as_ref().and_then(Lab::instructions) {
        print_error(format_args!(
            "lab: the command's requests took {instructions} instructions"
        ));
    }
    let unreported = |lab: &Lab| code == cli::SUCCESS || !lab.is_gone();
    match lab.filter(unreported).map(Lab::finish) {
        None => code,
        Some(Ok(report)) => {
            for event in report.events() {
                print_error(format_args!("{}", show_event(&event)));
            }
            for line in &report.leaks {
                print_error(format_args!("leaked: {line}"));
            }
            if let Some(bugcheck) = &report.bugcheck {
                print_error(format_args!("{bugcheck}"));
            }
            if !report.leaks.is_empty() || report.bugcheck.is_some() {
                return cli::FAILURE;
            }
            if !arguments.command.iter().any(|word| word == "--json") {
                print_error(format_args!(
                    "lab: the driver was unloaded and leaked nothing"
                ));
            }
            code
        }
        Some(Err(error)) => {
            print_error(format_args!("ringcopy-lab: {error}"));
            cli::FAILURE
        }
    }
}
