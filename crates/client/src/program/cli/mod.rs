//! The command line, as a function: whoever can reach a driver can offer it.
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
//! Addresses are hexadecimal strings, since JSON numbers lose digits beyond 2^53; `address` is
//! `null` where no address stopped the copy. `status` is the name of the status, or its value in
//! hexadecimal if it has no name here. `engine` is who copied, the last one if there were two;
//! `fell_back` says that the native engine met memory that is not resident, and the system's went
//! on. `error` is a sentence if the driver could not be reached
//! or refused a request. Commands add fields of their own.
//!
//! With `read --output -`, standard output gets the bytes that were read and nothing else; what
//! would be there otherwise, words or the document, goes to standard error.
//!
//! A read goes on behind what it cannot read. A raw output file has zeros there; the first holes are
//! listed on standard error, and all in the document's `holes`, whose `output_offset` is where one
//! lies in a raw output, and `data` has `??` for each byte of them. An output file that is not
//! complete has a sidecar beside it, of the same name with `.unfinished` behind it, which
//! `--resume` goes on from and which completion removes. `read --all-ram` puts a map beside its
//! image, which has the fields `ranges` and `holes` of such documents.
//!
//! A verification carries the numbers `compared`, `changed` and `disagreements`, with each place of
//! the latter two in `changed_at` and `disagreed_at`; only disagreements, and given ranges out of
//! reach, are failures.
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | everything was copied, or came out as a self-test expects |
//! | 1 | something was not: a hole, a refusal, or a file that could not be used; or the output could not be written: a sentence says why, unless its reader has closed it |
//! | 2 | the command line makes no sense; nothing was done |

mod arguments;
mod copy;
mod doctor;
mod encoding;
mod info;
mod machine;
mod range_argument;
mod range_list;
mod ranges;
mod read;
mod record;
mod selftest;
mod verify;
mod vm_test;

use std::{
    ffi::OsString,
    io::{self, Read, Write},
};

use clap::Parser;

use crate::{
    Error, Transport, TransportError, explain,
    machine::{Failure, Machine},
};
use arguments::{Arguments, Command};
use record::Document;

/// Everything came out as it should.
pub const SUCCESS: i32 = 0;
/// Something did not.
pub const FAILURE: i32 = 1;
/// The command line makes no sense.
pub const USAGE: i32 = 2;

/// Where output goes.
pub struct Console<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Explanations of failures.
    pub err: &'a mut dyn Write,
    /// What a file of the name `-` has.
    pub input: &'a mut dyn Read,
    /// Whether `out` is a terminal, which takes text alone.
    pub terminal: bool,
    /// Whether a progress bar may be drawn on the process's standard error.
    pub progress: bool,
}

/// How [`run`] gets its driver; called once, and only if the command line makes sense.
pub type Connect<'c, 't> = dyn FnMut() -> Result<Box<dyn Transport + 't>, TransportError> + 'c;

/// Why a command ended early.
enum Stop {
    Driver(Error),
    /// Results could not be written.
    Output(io::Error),
    /// Something about a file of the user's, or about what it asks for, in a sentence.
    File(String),
    /// Something about the machine, said in a sentence.
    Machine(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Machine(failure.0)
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

/// Runs one command where there is no machine to install the driver on, only a way to it. `args`
/// starts with the program's name. Gives the exit code.
pub fn run<I>(args: I, console: &mut Console<'_>, connect: &mut Connect<'_, '_>) -> i32
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    run_on(None, args, console, connect)
}

/// Runs one command. The commands about the driver's machine are about `machine`.
pub fn run_on<I>(
    machine: Option<&mut dyn Machine>,
    args: I,
    console: &mut Console<'_>,
    connect: &mut Connect<'_, '_>,
) -> i32
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(args).and_then(Arguments::judge) {
        Ok(arguments) => arguments,
        Err(error) => return usage(console, &error),
    };
    let mut document = Document::of(arguments.command.name());
    let mut view = View {
        console,
        json: arguments.json,
        bytes_on_out: arguments.command.puts_bytes_on_standard_output(),
    };
    let done = if arguments.command.is_about_machine() {
        perform_on(
            &arguments.command,
            machine,
            connect,
            &mut view,
            &mut document,
        )
    } else {
        connect().map_err(Stop::from).and_then(|mut transport| {
            perform(
                &arguments.command,
                &mut *transport,
                &mut view,
                &mut document,
            )
        })
    };
    let finished = match done {
        Ok(()) => view.finish(&document),
        Err(Stop::Output(error)) => Err(error),
        Err(Stop::Driver(error)) => {
            document.fail(&error, explain(&error));
            view.finish(&document)
        }
        Err(Stop::File(sentence) | Stop::Machine(sentence)) => {
            document.stop(sentence);
            view.finish(&document)
        }
    };
    finished.unwrap_or_else(|error| cannot_print(console, &error))
}

/// Says why results could not be written, unless it is that nobody wants more of them. Gives the
/// exit code.
fn cannot_print(console: &mut Console<'_>, error: &io::Error) -> i32 {
    if error.kind() != io::ErrorKind::BrokenPipe {
        // Where this cannot be said either, the exit code says it.
        drop(writeln!(
            console.err,
            "ringcopy: cannot write to standard output: {error}; make room there, or send it \
             elsewhere."
        ));
    }
    FAILURE
}

fn perform(
    command: &Command,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    match command {
        Command::Info => info::perform(transport, view, document),
        Command::Copy(arguments) => copy::perform(arguments, transport, view, document),
        Command::Ranges => ranges::perform(transport, view, document),
        Command::Read(arguments) => read::perform(arguments, transport, view, document),
        Command::Verify(arguments) => verify::perform(arguments, transport, view, document),
        Command::Selftest => selftest::perform(transport, view, document),
        // `run_on` keeps these away.
        Command::Install(_)
        | Command::Uninstall
        | Command::Start
        | Command::Stop
        | Command::Status
        | Command::Policy(_)
        | Command::Doctor
        | Command::VmTest(_) => Ok(()),
    }
}

/// Why there is no machine.
const NO_MACHINE: &str = "this command installs, loads or examines the driver on Windows; here \
                          `cargo xtask lab` loads it in a virtual machine for each command.";

fn perform_on(
    command: &Command,
    machine: Option<&mut dyn Machine>,
    connect: &mut Connect<'_, '_>,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let Some(target) = machine else {
        return Err(Stop::Machine(NO_MACHINE.into()));
    };
    match command {
        Command::Install(arguments) => machine::install(arguments, target, view, document),
        Command::Uninstall => machine::uninstall(target, view, document),
        Command::Start => machine::start(target, view, document),
        Command::Stop => machine::stop(target, view, document),
        Command::Status => machine::status(target, view, document),
        Command::Policy(arguments) => {
            machine::policy(arguments.action.as_ref(), target, view, document)
        }
        Command::Doctor => doctor::perform(target, connect, view, document),
        Command::VmTest(arguments) => vm_test::perform(arguments, target, connect, view, document),
        // `run_on` keeps these away.
        _ => Ok(()),
    }
}

fn usage(console: &mut Console<'_>, error: &clap::Error) -> i32 {
    let text = error.render();
    if error.use_stderr() {
        // Where it cannot be said, the exit code says it.
        drop(write!(console.err, "{text}"));
        return USAGE;
    }
    match write!(console.out, "{text}").and_then(|()| console.out.flush()) {
        Ok(()) => SUCCESS,
        Err(error) => cannot_print(console, &error),
    }
}

/// What the user sees: text as it comes, or one document at the end.
struct View<'v, 'c> {
    console: &'v mut Console<'c>,
    json: bool,
    /// Standard output gets the bytes that were read, and nothing else.
    bytes_on_out: bool,
}

impl View<'_, '_> {
    /// A line for people.
    fn line(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(self.words(), "{text}")
    }

    /// A sentence about a failure, for people.
    fn remark(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(self.console.err, "{text}")
    }

    /// Where words go, or the document.
    fn words(&mut self) -> &mut dyn Write {
        if self.bytes_on_out {
            self.console.err
        } else {
            self.console.out
        }
    }

    fn finish(&mut self, document: &Document) -> io::Result<i32> {
        if self.json {
            let mut text = serde_json::to_string_pretty(document)?;
            text.push('\n');
            self.words().write_all(text.as_bytes())?;
        } else if let Some(error) = &document.error {
            writeln!(self.console.err, "ringcopy: {error}")?;
        }
        self.console.out.flush()?;
        Ok(if document.succeeded { SUCCESS } else { FAILURE })
    }
}
