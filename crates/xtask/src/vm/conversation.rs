//! The host's side of the conversation with `ringcopy guest`, as `ringcopy-guest-protocol` describes it.
//! Whatever the guest sends, it ends: by a message, or by one sentence.

use super::machine::TICK;
use anyhow::{Result, bail, ensure};
use fs_err as fs;
use ringcopy_guest_protocol::{
    Command, File, FileName, Hello, Outcome, Received, Receiver, State, ToGuest, ToHost, VERSION,
    encode,
};
use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// The most bytes that a guest may send without a message among them.
const NOISE_LIMIT: u64 = 16 << 20;

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
    serial: UnixStream,
    receiver: Receiver,
    /// What was received, and not looked at yet.
    received: VecDeque<Received<ToHost>>,
    /// How long the guest may send no message.
    patience: Duration,
    interrupted: &'i AtomicBool,
    /// Bytes since the last message.
    noise: u64,
    /// The number of the last command.
    number: u32,
    /// The console: prints a line.
    say: fn(&str),
}

/// What came from the guest, or did not.
enum Heard {
    Message(ToHost),
    Silence,
}

impl<'i> Conversation<'i> {
    /// Begins a conversation over a serial port.
    pub fn new(
        serial: UnixStream,
        patience: Duration,
        interrupted: &'i AtomicBool,
        say: fn(&str),
    ) -> Result<Self> {
        serial.set_read_timeout(Some(TICK))?;
        Ok(Self {
            serial,
            receiver: Receiver::new(),
            received: VecDeque::new(),
            patience,
            interrupted,
            noise: 0,
            number: 0,
            say,
        })
    }

    /// Waits until the guest has started.
    pub fn greeting(&mut self) -> Result<Hello> {
        loop {
            match self.hear()? {
                Heard::Message(ToHost::Hello(hello)) => return checked(hello),
                Heard::Message(_) => {}
                Heard::Silence => bail!(
                    "the guest has not responded: no `ringcopy guest` has started in it within {}",
                    minutes(self.patience)
                ),
            }
        }
    }

    /// Runs a command, through restarts of the guest. Returns how it ended, and what it printed.
    pub fn run(&mut self, command: Command) -> Result<(Outcome, String)> {
        self.number += 1;
        let number = self.number;
        let request = ToGuest::Run { number, command };
        self.send(&request)?;
        let (mut attempts, mut restarts, mut text) = (1, 0, String::new());
        loop {
            match self.hear()? {
                Heard::Message(ToHost::Output {
                    number: of,
                    text: part,
                    ..
                }) if of == number => {
                    text.push_str(&part);
                    ensure!(text.len() <= TEXT_LIMIT, "the guest prints without end");
                    for line in part.lines() {
                        (self.say)(&format!("    {line}"));
                    }
                }
                Heard::Message(ToHost::Ended {
                    number: of,
                    outcome,
                }) if of == number => {
                    return Ok((outcome, text));
                }
                Heard::Message(ToHost::Restarting { .. }) => (self.say)("    the guest restarts"),
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
                        _ => self.send(&request)?,
                    }
                }
                Heard::Message(ToHost::Refused { sentence }) => {
                    bail!("the guest refused: {sentence}")
                }
                Heard::Message(_) => {}
                Heard::Silence if attempts < ATTEMPTS => {
                    attempts += 1;
                    self.send(&request)?;
                }
                Heard::Silence => bail!(
                    "the guest has said nothing for {}, {ATTEMPTS} times in a row",
                    minutes(self.patience)
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
                (self.say)(&format!(
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
            self.send(request)?;
            while let Heard::Message(message) = self.hear()? {
                if let ToHost::Refused { sentence } = message {
                    bail!("the guest refused: {sentence}");
                }
                if let Some(reply) = reply(message) {
                    return Ok(reply);
                }
            }
        }
        bail!(
            "the guest has said nothing for {}, {ATTEMPTS} times in a row",
            minutes(self.patience)
        )
    }

    fn send(&mut self, request: &ToGuest) -> Result<()> {
        let sent = self.serial.write_all(&encode(request)?);
        sent.map_err(|_| {
            anyhow::anyhow!("the virtual machine has ended, or does not read its serial port")
        })
    }

    /// Returns the next message, or that there was none in time.
    fn hear(&mut self) -> Result<Heard> {
        let since = Instant::now();
        let mut bytes = [0; 4096];
        loop {
            while let Some(received) = self.received.pop_front() {
                match received {
                    Received::Message(message) => {
                        self.noise = 0;
                        return Ok(Heard::Message(message));
                    }
                    Received::Noise(line) => (self.say)(&format!("  | {}", printable(&line))),
                    Received::Damaged(damage) => (self.say)(&format!("  | {damage}")),
                }
            }
            ensure!(!self.interrupted.load(Ordering::Relaxed), "interrupted");
            let length = match self.serial.read(&mut bytes) {
                Ok(0) => bail!("the virtual machine has ended in the middle"),
                Ok(length) => length,
                Err(error) if is_timeout(error.kind()) => {
                    if since.elapsed() >= self.patience {
                        return Ok(Heard::Silence);
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    bail!("the virtual machine has ended in the middle")
                }
                Err(error) => return Err(error.into()),
            };
            self.noise += length as u64;
            ensure!(
                self.noise <= NOISE_LIMIT,
                "the guest has sent {} MiB without a message",
                NOISE_LIMIT >> 20
            );
            let bytes = bytes.get(..length).unwrap_or_default();
            self.received.extend(self.receiver.receive(bytes));
        }
    }
}

const fn is_timeout(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
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

/// Returns the beginning of a line, without what would move a terminal's cursor.
fn printable(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .chars()
        .take(200)
        .filter(|character| !character.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringcopy_guest_protocol::{Bytes, Last};
    use std::net::Shutdown;

    static GOES_ON: AtomicBool = AtomicBool::new(false);

    /// What a guest has sent before the host listens. Then it is silent, or its machine ends.
    struct Script {
        bytes: Vec<u8>,
        ends: bool,
    }

    impl Script {
        fn of(messages: &[ToHost]) -> Self {
            Self {
                bytes: messages
                    .iter()
                    .flat_map(|message| encode(message).unwrap())
                    .collect(),
                ends: false,
            }
        }

        fn and(mut self, bytes: &[u8]) -> Self {
            self.bytes.extend_from_slice(bytes);
            self
        }

        const fn ending(mut self) -> Self {
            self.ends = true;
            self
        }

        /// Talks to the guest, without patience.
        fn told<T>(self, talk: impl FnOnce(&mut Conversation<'static>) -> Result<T>) -> Result<T> {
            let (mut guest, host) = UnixStream::pair().unwrap();
            guest.write_all(&self.bytes).unwrap();
            if self.ends {
                guest.shutdown(Shutdown::Write).unwrap();
            }
            let mut conversation =
                Conversation::new(host, Duration::ZERO, &GOES_ON, |_| ()).unwrap();
            talk(&mut conversation)
        }
    }

    fn hello(state: Option<State>) -> ToHost {
        ToHost::Hello(Hello {
            version: VERSION,
            client: "0.1.0".to_owned(),
            windows: [10, 0, 20348],
            starts: 1,
            last: state.map(|state| Last {
                number: 1,
                command: Command::Doctor,
                state,
            }),
        })
    }

    const STARTED: ToHost = ToHost::Started { number: 1 };
    const RESTARTING: ToHost = ToHost::Restarting { number: 1 };

    fn printed(text: &str) -> ToHost {
        ToHost::Output {
            number: 1,
            offset: 0,
            text: text.to_owned(),
        }
    }

    const fn ended(outcome: Outcome) -> ToHost {
        ToHost::Ended { number: 1, outcome }
    }

    fn outcome_of(script: Script) -> Result<(Outcome, String)> {
        script.told(|conversation| conversation.run(Command::Doctor))
    }

    fn sentence_of(script: Script) -> String {
        outcome_of(script).unwrap_err().to_string()
    }

    #[test]
    fn a_command_ends_with_its_outcome_and_output() {
        let script = Script::of(&[
            STARTED,
            printed("one\n"),
            printed("two\n"),
            ended(Outcome::Exit(3)),
        ]);
        let (outcome, text) = outcome_of(script).unwrap();
        assert_eq!((outcome, text.as_str()), (Outcome::Exit(3), "one\ntwo\n"));
    }

    #[test]
    fn garbage_beside_messages_does_no_harm() {
        let script = Script::of(&[STARTED])
            .and(b"SeaBIOS\r\n\x01\x0199 00000000 {}\n\xFF\xFE\x1B[2J\n")
            .and(&encode(&ToGuest::Greet).unwrap())
            .and(&encode(&ended(Outcome::Exit(0))).unwrap());
        assert_eq!(outcome_of(script).unwrap().0, Outcome::Exit(0));
    }

    #[test]
    fn a_command_goes_on_through_restarts() {
        let script = Script::of(&[
            STARTED,
            RESTARTING,
            hello(Some(State::Running)),
            STARTED,
            ended(Outcome::Exit(0)),
        ]);
        assert_eq!(outcome_of(script).unwrap().0, Outcome::Exit(0));
    }

    #[test]
    fn a_command_that_a_crash_ended_is_lost() {
        let script = Script::of(&[STARTED, hello(Some(State::Ended(Outcome::Lost)))]);
        assert_eq!(outcome_of(script).unwrap().0, Outcome::Lost);
    }

    #[test]
    fn a_guest_that_never_starts_is_one_sentence() {
        let error = Script::of(&[]).told(Conversation::greeting).unwrap_err();
        assert!(
            error.to_string().starts_with("the guest has not responded"),
            "{error}"
        );
    }

    #[test]
    fn a_guest_that_hangs_is_one_sentence() {
        let sentence = sentence_of(Script::of(&[STARTED, printed("one\n")]));
        assert!(
            sentence.starts_with("the guest has said nothing for"),
            "{sentence}"
        );
    }

    #[test]
    fn a_machine_that_ends_is_one_sentence() {
        let sentence = sentence_of(Script::of(&[STARTED]).ending());
        assert!(
            sentence.starts_with("the virtual machine has ended"),
            "{sentence}"
        );
    }

    #[test]
    fn a_guest_that_restarts_for_ever_is_one_sentence() {
        let restart = [RESTARTING, hello(Some(State::Running)), STARTED];
        let restarts = restart
            .iter()
            .cycle()
            .take(3 * 25)
            .cloned()
            .collect::<Vec<_>>();
        assert_eq!(
            sentence_of(Script::of(&restarts)),
            "the guest restarts again and again"
        );
    }

    #[test]
    fn a_guest_of_another_version_is_one_sentence() {
        let ToHost::Hello(mut hello) = hello(None) else {
            unreachable!()
        };
        hello.version += 1;
        let error = Script::of(&[ToHost::Hello(hello)]).told(Conversation::greeting);
        let sentence = error.unwrap_err().to_string();
        assert!(
            sentence.starts_with("the guest speaks version 2"),
            "{sentence}"
        );
    }

    #[test]
    fn a_refusal_is_its_own_sentence() {
        let sentence = "the serial port is not for this".to_owned();
        let refused = sentence_of(Script::of(&[ToHost::Refused { sentence }]));
        assert_eq!(
            refused,
            "the guest refused: the serial port is not for this"
        );
    }

    #[test]
    fn an_interruption_ends_the_conversation() {
        static STOPS: AtomicBool = AtomicBool::new(true);
        let (_guest, host) = UnixStream::pair().unwrap();
        let mut conversation =
            Conversation::new(host, Duration::from_hours(1), &STOPS, |_| ()).unwrap();
        assert_eq!(
            conversation.greeting().unwrap_err().to_string(),
            "interrupted"
        );
    }

    #[test]
    fn a_file_is_no_longer_than_it_said_and_large_ones_are_left_out() {
        let name = |name: &str| FileName::try_from(name.to_owned()).unwrap();
        let file = |of: &str, length| File {
            name: name(of),
            length,
        };
        let part = |offset, bytes: &[u8]| ToHost::Data {
            name: name("b.txt"),
            offset,
            bytes: Bytes(bytes.to_vec()),
            length: u64::MAX,
        };
        let script = Script::of(&[
            ToHost::Files(vec![
                file("a.dmp", u64::MAX),
                file("b.txt", 4),
                file("c.txt", 0),
            ]),
            part(0, b"on"),
            // Of a request that was sent twice.
            part(0, b"on"),
            part(2, b"e, and more without end"),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let names = script
            .told(|conversation| conversation.fetch(folder.path()))
            .unwrap();
        assert_eq!(names, [name("b.txt"), name("c.txt")]);
        let contents = std::fs::read(folder.path().join("b.txt")).unwrap();
        assert_eq!(contents, b"one,");
    }
}
