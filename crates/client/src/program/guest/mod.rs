//! The side of a virtual machine that a host drives over a serial port.
//!
//! [`ringcopy_guest_protocol`] has the conversation. The guest keeps the last command in a file, written
//! before the command begins: after a restart it continues a test under Driver Verifier, and says of any
//! other command that it was lost. Whatever arrives on the port, the guest runs nothing but the commands of
//! the protocol, each number once.

mod files;
mod output;
mod state;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use ringcopy_guest_protocol::{
    Command, Hello, Outcome, Received, Receiver, ToGuest, ToHost, VERSION, encode,
};

use crate::{machine::Failure, vm_test};
use output::Output;
use state::Saved;

/// How often the guest may be started for one command. A test has three restarts, and one more for each
/// crash.
const STARTS: u32 = 40;

/// The connection to the host.
pub trait Port: Write {
    /// Waits a moment for bytes. Returns how many came; `None` if the other end is gone.
    ///
    /// # Errors
    /// If the connection broke.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>>;
}

/// The machine that the guest runs on.
pub trait Machine {
    /// Returns Windows' major version, minor version and build.
    fn windows(&mut self) -> [u32; 3];

    /// Runs a command of the client, which prints to `out` and `err`. Returns its exit code.
    fn run(&mut self, arguments: &[&str], out: &mut dyn Write, err: &mut dyn Write) -> i32;

    /// Begins to restart the machine.
    ///
    /// # Errors
    /// If Windows does not.
    fn restart(&mut self) -> Result<(), Failure>;

    /// Begins to shut the machine down.
    ///
    /// # Errors
    /// If Windows does not.
    fn shut_down(&mut self) -> Result<(), Failure>;

    /// Returns the folders with dumps, and single dumps.
    fn dumps(&mut self) -> Vec<PathBuf>;

    /// Returns whether the user has asked to stop.
    fn is_interrupted(&self) -> bool;
}

/// Serves a host until the machine restarts or shuts down, the user asks to stop, or the other end is
/// gone.
///
/// # Errors
/// If the connection breaks, or the file of an earlier process cannot be read.
pub fn serve(port: &mut dyn Port, machine: &mut dyn Machine, folder: &Path) -> Result<(), Failure> {
    let mut guest = Guest {
        port,
        machine,
        folder,
        saved: Saved::load(folder)?,
    };
    guest.serve().map_err(|error| {
        Failure(format!(
            "the connection to the host broke: {error}; start `ringcopy guest` again."
        ))
    })
}

/// Whether the guest goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Listen,
    Leave,
}

struct Guest<'g> {
    port: &'g mut dyn Port,
    machine: &'g mut dyn Machine,
    folder: &'g Path,
    /// The last command, if there was one.
    saved: Option<Saved>,
}

impl Guest<'_> {
    fn serve(&mut self) -> io::Result<()> {
        if self.begin()? == Next::Leave {
            return Ok(());
        }
        let mut receiver = Receiver::new();
        let mut buffer = [0; 4096];
        while !self.machine.is_interrupted() {
            let Some(count) = self.port.receive(&mut buffer)? else {
                break;
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            for received in receiver.receive(bytes) {
                // The host repeats what arrived damaged.
                if let Received::Message(message) = received
                    && self.reply(message)? == Next::Leave
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Announces the guest, and continues a command that a restart interrupted.
    fn begin(&mut self) -> io::Result<Next> {
        let Some(mut saved) = self.saved.clone() else {
            self.hello()?;
            return Ok(Next::Listen);
        };
        let mut goes_on = false;
        if saved.outcome.is_none() {
            saved.starts = saved.starts.saturating_add(1);
            goes_on = matches!(saved.command, Command::VmTest { .. }) && saved.starts <= STARTS;
            if !goes_on {
                saved.outcome = Some(Outcome::Lost);
            }
            // A guest that cannot write it would be restarted without end.
            if saved.save(self.folder).is_err() && goes_on {
                goes_on = false;
                saved.outcome = Some(Outcome::Lost);
            }
            self.saved = Some(saved.clone());
        }
        self.hello()?;
        if goes_on {
            self.run(saved)
        } else {
            Ok(Next::Listen)
        }
    }

    fn reply(&mut self, message: ToGuest) -> io::Result<Next> {
        match message {
            ToGuest::Greet => self.hello()?,
            ToGuest::Run { number, command } => return self.asked_to_run(number, command),
            ToGuest::List => {
                let files = files::list(self.folder, &self.machine.dumps());
                let files = files.into_iter().map(|file| file.listed).collect();
                self.send(&ToHost::Files(files))?;
            }
            ToGuest::Read { name, offset } => {
                let files = files::list(self.folder, &self.machine.dumps());
                let reply = files::read(&files, name, offset);
                self.send(&reply)?;
            }
            ToGuest::ShutDown => match self.machine.shut_down() {
                Ok(()) => {
                    self.send(&ToHost::ShuttingDown)?;
                    return Ok(Next::Leave);
                }
                Err(failure) => self.refuse(failure.0)?,
            },
        }
        Ok(Next::Listen)
    }

    fn asked_to_run(&mut self, number: u32, command: Command) -> io::Result<Next> {
        let last = self.saved.as_ref().map_or(0, |saved| saved.number);
        match &self.saved {
            Some(Saved {
                outcome: Some(outcome),
                ..
            }) if number == last => {
                let outcome = *outcome;
                self.send(&ToHost::Ended { number, outcome })?;
                return Ok(Next::Listen);
            }
            _ if number <= last => {
                self.refuse(format!(
                    "the number {number} was used before; the last command has the number {last}"
                ))?;
                return Ok(Next::Listen);
            }
            _ => {}
        }
        let saved = Saved::new(number, command);
        // What cannot be written down would be run again after a crash.
        if let Err(failure) = saved.save(self.folder) {
            self.refuse(failure.0)?;
            return Ok(Next::Listen);
        }
        self.run(saved)
    }

    /// Runs a command that is written down, or continues it.
    fn run(&mut self, saved: Saved) -> io::Result<Next> {
        let (number, command) = (saved.number, saved.command);
        self.saved = Some(saved);
        self.send(&ToHost::Started { number })?;
        let arguments = arguments(command, self.folder);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let output = Output::new(self.port, number);
        let mut code = self
            .machine
            .run(&arguments, &mut output.stream(), &mut output.stream());
        if matches!(command, Command::VmTest { .. }) && code == 0 {
            match vm_test::waits_for_restart(self.folder) {
                Ok(false) => {}
                Ok(true) => match self.restart(number)? {
                    Ok(()) => return Ok(Next::Leave),
                    Err(failure) => code = self.fail(number, &failure)?,
                },
                Err(failure) => code = self.fail(number, &failure)?,
            }
        }
        let outcome = Outcome::Exit(code);
        if let Some(saved) = &mut self.saved {
            saved.outcome = Some(outcome);
            // Without it, the command counts as lost after the next start.
            if let Err(failure) = saved.save(self.folder) {
                self.fail(number, &failure)?;
            }
        }
        self.send(&ToHost::Ended { number, outcome })?;
        Ok(Next::Listen)
    }

    fn restart(&mut self, number: u32) -> io::Result<Result<(), Failure>> {
        self.send(&ToHost::Restarting { number })?;
        Ok(self.machine.restart())
    }

    /// Prints a failure of the guest's own as output of the command. Returns its exit code.
    fn fail(&mut self, number: u32, failure: &Failure) -> io::Result<i32> {
        let text = format!("ringcopy: {failure}\n");
        writeln!(
            Output::new(self.port, number).stream(),
            "{}",
            text.trim_end()
        )?;
        Ok(crate::cli::FAILURE)
    }

    fn hello(&mut self) -> io::Result<()> {
        let windows = self.machine.windows();
        let hello = Hello {
            version: VERSION,
            client: env!("CARGO_PKG_VERSION").into(),
            windows,
            starts: self.saved.as_ref().map_or(1, |saved| saved.starts),
            last: self.saved.as_ref().map(Saved::last),
        };
        self.send(&ToHost::Hello(hello))
    }

    fn refuse(&mut self, sentence: String) -> io::Result<()> {
        self.send(&ToHost::Refused { sentence })
    }

    fn send(&mut self, message: &ToHost) -> io::Result<()> {
        send(self.port, message)
    }
}

fn send(port: &mut dyn Port, message: &ToHost) -> io::Result<()> {
    let packet = encode(message).map_err(io::Error::other)?;
    port.write_all(&packet)?;
    port.flush()
}

/// Returns the arguments of a command.
fn arguments(command: Command, folder: &Path) -> Vec<String> {
    let words = match command {
        Command::Install { .. } => vec!["install"],
        Command::Uninstall => vec!["uninstall"],
        Command::Start => vec!["start"],
        Command::Stop => vec!["stop"],
        Command::Status => vec!["status"],
        Command::Doctor => vec!["doctor"],
        Command::Info => vec!["info"],
        Command::Selftest => vec!["selftest"],
        Command::Verify => vec!["verify"],
        Command::VmTest { .. } => vec!["vm-test"],
        Command::GiveUp => vec!["vm-test", "--give-up"],
    };
    let mut words: Vec<String> = words.into_iter().map(String::from).collect();
    match command {
        Command::Install { trust_certificate } => {
            words.extend(trust_certificate.then(|| "--trust-certificate".into()));
        }
        Command::VmTest {
            no_restart,
            risky,
            loads,
        } => {
            words.extend(no_restart.then(|| "--no-restart".into()));
            words.extend(risky.then(|| "--risky".into()));
            if let Some(loads) = loads {
                words.extend(["--loads".into(), loads.to_string()]);
            }
        }
        _ => {}
    }
    if matches!(command, Command::VmTest { .. } | Command::GiveUp) {
        words.extend(["--folder".into(), folder.display().to_string()]);
    }
    words
}
