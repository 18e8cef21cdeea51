//! The host's side of the conversation with `ringcopy guest`, as `ringcopy-guest-protocol` describes it.
//! Whatever the guest sends, it ends: by a message, or by one sentence.

mod line;
#[cfg(test)]
mod tests;

use anyhow::{Result, bail, ensure};
use fs_err as fs;
use line::{Heard, Line, Serial};
use ringcopy_guest_protocol::{
    Command, File, FileName, Hello, Outcome, State, ToGuest, ToHost, VERSION,
};
use std::{path::Path, sync::atomic::AtomicBool, time::Duration};

/// The most bytes of text that a command may print.
const TEXT_LIMIT: usize = 64 << 20;

/// The most bytes of one file, and of all files.
const FILE_LIMIT: u64 = 64 << 20;
const FILES_LIMIT: u64 = 256 << 20;

/// The most restarts in one command. `vm-test` needs as many as it has rounds.
const RESTARTS_LIMIT: u32 = 24;

/// How often a request is sent, if its reply does not come.
const ATTEMPTS: u32 = 2;

/// A conversation with a guest.
pub struct Conversation<'i> {
    line: Line<'i>,
    /// The number of the last command.
    number: u32,
}

impl<'i> Conversation<'i> {
    /// Begins a conversation over a serial port.
    pub fn new(
        serial: impl Serial + 'static,
        patience: Duration,
        interrupted: &'i AtomicBool,
        say: fn(&str),
    ) -> Self {
        Self {
            line: Line::new(Box::new(serial), patience, interrupted, say),
            number: 0,
        }
    }

    /// Waits until the guest has started.
    pub fn greeting(&mut self) -> Result<Hello> {
        loop {
            match self.line.hear()? {
                Heard::Message(ToHost::Hello(hello)) => return checked(hello),
                Heard::Message(_) => self.line.ignore()?,
                Heard::Silence => bail!(
                    "the guest has not responded: no `ringcopy guest` has started in it within {}",
                    minutes(self.line.patience)
                ),
            }
        }
    }

    /// Runs a command, through restarts of the guest. Returns how it ended, and what it printed.
    pub fn run(&mut self, command: Command) -> Result<(Outcome, String)> {
        self.number += 1;
        let number = self.number;
        let request = ToGuest::Run { number, command };
        self.line.send(&request)?;
        let (mut attempts, mut restarts, mut text) = (1, 0, String::new());
        loop {
            match self.line.hear()? {
                Heard::Message(ToHost::Output {
                    number: of,
                    text: part,
                    ..
                }) if of == number => {
                    text.push_str(&part);
                    ensure!(text.len() <= TEXT_LIMIT, "the guest prints without end");
                    for line in part.lines() {
                        (self.line.say)(&format!("    {line}"));
                    }
                }
                Heard::Message(ToHost::Ended {
                    number: of,
                    outcome,
                }) if of == number => {
                    return Ok((outcome, text));
                }
                Heard::Message(ToHost::Restarting { .. }) => {
                    (self.line.say)("    the guest restarts");
                    self.line.ignore()?;
                }
                Heard::Message(ToHost::Hello(hello)) => {
                    restarts += 1;
                    ensure!(
                        restarts <= RESTARTS_LIMIT,
                        "the guest restarts again and again"
                    );
                    match checked(hello)?.last {
                        Some(last) if last.number == number => {
                            if let State::Ended(outcome) = last.state {
                                return Ok((outcome, text));
                            }
                        }
                        // It restarted before it had noted the command.
                        _ => self.line.send(&request)?,
                    }
                }
                Heard::Message(ToHost::Refused { sentence }) => {
                    bail!("the guest refused: {sentence}")
                }
                Heard::Message(_) => self.line.ignore()?,
                Heard::Silence if attempts < ATTEMPTS => {
                    attempts += 1;
                    self.line.send(&request)?;
                }
                Heard::Silence => bail!(
                    "the guest has said nothing for {}, {ATTEMPTS} times in a row",
                    minutes(self.line.patience)
                ),
            }
        }
    }

    /// Copies the guest's files into a folder. Returns the names.
    pub fn fetch(&mut self, folder: &Path) -> Result<Vec<FileName>> {
        let files = self.ask(&ToGuest::List, |message| match message {
            ToHost::Files(files) => Some(files),
            _ => None,
        })?;
        let mut left = FILES_LIMIT;
        let mut names = Vec::new();
        for file in files {
            if file.length > FILE_LIMIT.min(left) {
                (self.line.say)(&format!(
                    "{}: {} bytes are too many, left out",
                    file.name, file.length
                ));
                continue;
            }
            left -= file.length;
            let bytes = self.read(&file)?;
            fs::write(folder.join(file.name.as_str()), bytes)?;
            names.push(file.name);
        }
        Ok(names)
    }

    /// Reads a file that has as many bytes as the list says, or fewer if it was cut since.
    fn read(&mut self, file: &File) -> Result<Vec<u8>> {
        let mut contents = Vec::new();
        while (contents.len() as u64) < file.length {
            let from = contents.len() as u64;
            let request = ToGuest::Read {
                name: file.name.clone(),
                offset: from,
            };
            let part = self.ask(&request, |message| match message {
                ToHost::Data {
                    name,
                    offset,
                    bytes,
                    ..
                } if name == file.name && offset == from => Some(bytes.0),
                _ => None,
            })?;
            if part.is_empty() {
                break;
            }
            contents.extend(part);
        }
        contents.truncate(usize::try_from(file.length)?);
        Ok(contents)
    }

    /// Shuts the guest down. Its machine then ends.
    pub fn shut_down(mut self) -> Result<()> {
        self.ask(&ToGuest::ShutDown, |message| {
            (message == ToHost::ShuttingDown).then_some(())
        })
    }

    /// Sends a request, and returns its reply. Other messages are dropped: they reply to what was sent
    /// before.
    fn ask<T>(&mut self, request: &ToGuest, reply: impl Fn(ToHost) -> Option<T>) -> Result<T> {
        for _ in 0..ATTEMPTS {
            self.line.send(request)?;
            while let Heard::Message(message) = self.line.hear()? {
                if let ToHost::Refused { sentence } = message {
                    bail!("the guest refused: {sentence}");
                }
                if let Some(reply) = reply(message) {
                    return Ok(reply);
                }
                self.line.ignore()?;
            }
        }
        bail!(
            "the guest has said nothing for {}, {ATTEMPTS} times in a row",
            minutes(self.line.patience)
        )
    }
}

fn checked(hello: Hello) -> Result<Hello> {
    ensure!(
        hello.version == VERSION,
        "the guest speaks version {} of the protocol, and this program version {VERSION}; make a package of \
         this tree",
        hello.version
    );
    Ok(hello)
}

fn minutes(time: Duration) -> String {
    match time.as_secs() / 60 {
        1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
