//! The command line, as a function that every program with a way to a driver can offer.
//!
//! With `--json`, exactly one JSON document goes to standard output:
//!
//! ```json
//! { "command": "copy", "succeeded": false,
//!   "operations": [ { "operation": "copy from", "status": "STATUS_ACCESS_VIOLATION",
//!                     "asked": 4096, "copied": 1001, "address": "0x20000",
//!                     "direction": "read", "engine": null, "fell_back": false,
//!                     "explanation": "…" } ],
//!   "error": null }
//! ```
//!
//! - Addresses are hexadecimal strings, since JSON numbers lose digits beyond 2^53.
//! - `status` is the name of the status, or its value in hexadecimal if it has no name here.
//! - `address` is `null` where no address stopped the copy.
//! - `engine` is the engine that copied, the last one if there were two.
//! - `fell_back` says that the native engine met memory that is not resident, and the system's
//!   engine continued.
//! - `error` is a sentence if the driver could not be reached or refused a request.
//!
//! Commands add fields of their own:
//!
//! - `read` has all holes in `holes`, where `output_offset` is the offset of a hole in a raw
//!   output; `data` has `??` for each byte of a hole. `read --all-ram` writes a map beside its
//!   image, with the fields `ranges` and `holes` of such documents.
//! - `verify` has the numbers `compared`, `changed` and `disagreements`, and lists the pieces of
//!   the latter two in `changed_at` and `disagreed_at`. Failures are disagreements, and given
//!   ranges out of reach.
//! - `trace show` has the events in `events`, each with its fields; `time` is in units of 100 ns since
//!   1601, UTC.
//!
//! With `read --output -`, standard output gets the bytes that were read and nothing else. Text or
//! the document goes to standard error.
//!
//! A read continues after memory that it cannot read. A raw output file has zeros there; standard
//! error lists the first holes. An output file that is not complete has a sidecar beside it, with
//! the suffix `.unfinished`. `--resume` continues from it, and completion removes it.
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | everything was copied, or ended as a self-test expects |
//! | 1 | something failed: a hole, a refusal, or a file that could not be used; or the output could not be written: a sentence says why, unless its reader has closed it |
//! | 2 | the command line makes no sense; nothing was done |

mod arguments;
mod copy;
mod doctor;
mod encoding;
mod guest;
mod info;
mod range_argument;
mod range_list;
mod ranges;
mod read;
mod record;
mod selftest;
mod system;
mod trace;
mod verify;
mod view;
mod vm_test;

use std::{
    ffi::OsString,
    io::{self, Read, Write},
};

use clap::Parser;

use crate::{
    Error, Transport, TransportError, explain,
    machine::{Failure, System},
};
use arguments::{Arguments, Command, DriverCommand, SystemCommand};
use view::View;

/// The exit code if everything ended as it should.
pub const SUCCESS: i32 = 0;
/// The exit code if something failed.
pub const FAILURE: i32 = 1;
/// The exit code if the command line makes no sense.
pub const USAGE: i32 = 2;

/// The standard streams.
pub struct Console<'a> {
    /// Gets results.
    pub out: &'a mut dyn Write,
    /// Gets explanations of failures.
    pub err: &'a mut dyn Write,
    /// Is read for a file named `-`.
    pub input: &'a mut dyn Read,
    /// Whether `out` is a terminal, which takes only text.
    pub terminal: bool,
    /// Whether a progress bar may be drawn on the process's standard error.
    pub progress: bool,
}

impl<'a> Console<'a> {
    /// Returns a console that is no terminal, and draws no progress bar.
    pub fn without_terminal(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        input: &'a mut dyn Read,
    ) -> Self {
        Self {
            out,
            err,
            input,
            terminal: false,
            progress: false,
        }
    }
}

/// How [`run`] reaches its driver. It is called only if the command line makes sense.
pub type Connect<'c, 't> = dyn FnMut() -> Result<Box<dyn Transport + 't>, TransportError> + 'c;

/// Why a command ended early.
enum Stop {
    Driver(Error),
    /// Results could not be written.
    Output(io::Error),
    /// Another reason, as a sentence.
    Sentence(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Sentence(failure.0)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<TransportError> for Stop {
    fn from(error: TransportError) -> Self {
        Self::Driver(error.into())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs one command where the driver can be reached but not installed. `args` starts with the
/// program's name. Returns the exit code.
pub fn run<I>(args: I, console: &mut Console<'_>, connect: &mut Connect<'_, '_>) -> i32
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    run_on(None, args, console, connect)
}

/// Runs one command. `system` is the machine for the commands that install, load or examine the
/// driver. Returns the exit code.
pub fn run_on<I>(
    system: Option<&mut dyn System>,
    args: I,
    console: &mut Console<'_>,
    connect: &mut Connect<'_, '_>,
) -> i32
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(args).and_then(Arguments::validate) {
        Ok(arguments) => arguments,
        Err(error) => return usage(console, &error),
    };
    let mut view = View::new(console, &arguments);
    let done = match (&arguments.command, system) {
        (Command::Driver(command), _) => connect()
            .map_err(Stop::from)
            .and_then(|mut transport| run_driver_command(command, &mut *transport, &mut view)),
        (Command::System(command), Some(system)) => {
            run_system_command(command, system, connect, &mut view)
        }
        (Command::System(_), None) => Err(Stop::Sentence(NO_SYSTEM.into())),
    };
    let finished = match done {
        Ok(()) => view.finish(),
        Err(Stop::Output(error)) => Err(error),
        Err(Stop::Driver(error)) => {
            view.document.fail(&error, explain(&error));
            view.finish()
        }
        Err(Stop::Sentence(sentence)) => {
            view.document.stop(sentence);
            view.finish()
        }
    };
    finished.unwrap_or_else(|error| cannot_print(console, &error))
}

const NO_SYSTEM: &str = "this command installs, loads or examines the driver on Windows; here \
                         `cargo xtask lab` loads it in a virtual machine for each command.";

fn run_driver_command(
    command: &DriverCommand,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    match command {
        DriverCommand::Info => info::run(transport, view),
        DriverCommand::Copy(arguments) => copy::run(arguments, transport, view),
        DriverCommand::Ranges => ranges::run(transport, view),
        DriverCommand::Read(arguments) => read::run(arguments, transport, view),
        DriverCommand::Verify(arguments) => verify::run(arguments, transport, view),
        DriverCommand::Selftest => selftest::run(transport, view),
    }
}

fn run_system_command(
    command: &SystemCommand,
    system: &mut dyn System,
    connect: &mut Connect<'_, '_>,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    match command {
        SystemCommand::Install(arguments) => self::system::install(arguments, system, view),
        SystemCommand::Uninstall => self::system::uninstall(system, view),
        SystemCommand::Start => self::system::start(system, view),
        SystemCommand::Stop => self::system::stop(system, view),
        SystemCommand::Status => self::system::status(system, view),
        SystemCommand::Policy(arguments) => {
            self::system::policy(arguments.action.as_ref(), system, view)
        }
        SystemCommand::Trace(arguments) => trace::run(&arguments.action, system, view),
        SystemCommand::Doctor => doctor::run(system, connect, view),
        SystemCommand::VmTest(arguments) => vm_test::run(arguments, system, connect, view),
        SystemCommand::Guest(arguments) => guest::run(arguments, system, connect, view),
    }
}

/// Says why results could not be written, unless their reader has closed the output. Returns the
/// exit code.
fn cannot_print(console: &mut Console<'_>, error: &io::Error) -> i32 {
    if error.kind() != io::ErrorKind::BrokenPipe {
        // If this cannot be written either, the exit code reports the failure.
        drop(writeln!(
            console.err,
            "ringcopy: cannot write to standard output: {error}; free space there, or send it \
             elsewhere."
        ));
    }
    FAILURE
}

fn usage(console: &mut Console<'_>, error: &clap::Error) -> i32 {
    let text = error.render();
    if error.use_stderr() {
        // If it cannot be written, the exit code reports the failure.
        drop(write!(console.err, "{text}"));
        return USAGE;
    }
    match write!(console.out, "{text}").and_then(|()| console.out.flush()) {
        Ok(()) => SUCCESS,
        Err(error) => cannot_print(console, &error),
    }
}
