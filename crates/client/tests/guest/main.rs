//! The guest, as its host sees it: across restarts, crashes, noise on the line, and full disks.

#![cfg(feature = "program")]
#![forbid(unsafe_code)]

mod commands;
#[path = "../simulated/console/mod.rs"]
mod console;
#[path = "../simulated/driver/mod.rs"]
mod driver;
mod files;
#[path = "../folder/mod.rs"]
mod folder;
mod line;
mod restarts;
#[path = "../simulated/system/mod.rs"]
mod system;

use std::{
    collections::VecDeque,
    fs,
    io::{self, Write},
    path::PathBuf,
};

use driver::SimulatedDriver;
use folder::Folder;
use ringcopy_client::{
    cli::{self, Console},
    guest::{Machine, Port, serve},
    machine::Failure,
};
use ringcopy_guest_protocol::{
    Command, Hello, Received, Receiver, TEXT_LIMIT, ToGuest, ToHost, encode,
};
use system::SimulatedSystem;

const VM_TEST: Command = Command::VmTest {
    no_restart: false,
    risky: false,
    loads: None,
};

/// The guest's file.
const STATE: &str = "ringcopy-guest.json";

/// The host's end of the line.
#[derive(Default)]
struct Line {
    /// What the host sends, in the pieces in which it arrives.
    incoming: VecDeque<Vec<u8>>,
    sent: Vec<u8>,
}

impl Line {
    fn of(messages: impl IntoIterator<Item = ToGuest>) -> Self {
        let packets = messages
            .into_iter()
            .map(|message| encode(&message).unwrap());
        Self {
            incoming: packets.collect(),
            ..Self::default()
        }
    }

    /// Returns what the guest sent, all of which must arrive.
    fn messages(&self) -> Vec<ToHost> {
        let found = Receiver::new().receive(&self.sent);
        found
            .into_iter()
            .map(|found| match found {
                Received::Message(message) => message,
                found => panic!("{found:?}"),
            })
            .collect()
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Port for Line {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(mut bytes) = self.incoming.pop_front() else {
            return Ok(None);
        };
        let rest = bytes.split_off(bytes.len().min(buffer.len()));
        if !rest.is_empty() {
            self.incoming.push_front(rest);
        }
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(Some(bytes.len()))
    }
}

/// A machine whose commands print prepared bytes, or are the client's own on a simulated system.
struct TestMachine {
    prints: Vec<u8>,
    code: i32,
    client: Option<SimulatedSystem>,
    ran: Vec<String>,
    /// The guest's file as it was when the last command ran: what a crash then leaves.
    left_by_crash: Vec<u8>,
    folder: Option<PathBuf>,
    restarts: u32,
    refuses_to_end: bool,
    dumps: Vec<PathBuf>,
}

impl Default for TestMachine {
    fn default() -> Self {
        Self {
            prints: b"one\ntwo\n".to_vec(),
            code: 0,
            client: None,
            ran: Vec::new(),
            left_by_crash: Vec::new(),
            folder: None,
            restarts: 0,
            refuses_to_end: false,
            dumps: Vec::new(),
        }
    }
}

impl TestMachine {
    fn with_client() -> Self {
        Self {
            client: Some(SimulatedSystem::installed()),
            ..Self::default()
        }
    }

    /// Returns a machine that a crash can end, with the guest's file in this folder.
    fn crashing(folder: &Folder) -> Self {
        Self {
            folder: Some(folder.at().into()),
            ..Self::default()
        }
    }
}

impl Machine for TestMachine {
    fn windows(&mut self) -> [u32; 3] {
        [10, 0, 26100]
    }

    fn run(&mut self, arguments: &[&str], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
        self.ran.push(arguments.join(" "));
        if let Some(folder) = &self.folder {
            self.left_by_crash = fs::read(folder.join(STATE)).unwrap();
        }
        let Some(system) = &mut self.client else {
            // A command goes on if nobody can be told what it prints.
            drop(out.write_all(&self.prints).and_then(|()| out.flush()));
            drop(err.write_all(b"an error\n"));
            return self.code;
        };
        cli::run_on(
            Some(system),
            std::iter::once(&"ringcopy").chain(arguments),
            &mut Console::without_terminal(out, err, &mut io::empty()),
            &mut console::to(SimulatedDriver::default),
        )
    }

    fn restart(&mut self) -> Result<(), Failure> {
        if self.refuses_to_end {
            return Err(Failure("Windows does not restart.".into()));
        }
        self.restarts += 1;
        if let Some(system) = &mut self.client {
            system.restart();
        }
        Ok(())
    }

    fn shut_down(&mut self) -> Result<(), Failure> {
        if self.refuses_to_end {
            return Err(Failure("Windows does not shut down.".into()));
        }
        Ok(())
    }

    fn dumps(&mut self) -> Vec<PathBuf> {
        self.dumps.clone()
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}

const fn run(number: u32, command: Command) -> ToGuest {
    ToGuest::Run { number, command }
}

/// Serves a host that sends these messages. Returns what the guest sent.
fn served(
    machine: &mut TestMachine,
    folder: &Folder,
    messages: impl IntoIterator<Item = ToGuest>,
) -> Vec<ToHost> {
    let mut line = Line::of(messages);
    serve(&mut line, machine, folder.at()).unwrap();
    line.messages()
}

fn hello(message: &ToHost) -> &Hello {
    match message {
        ToHost::Hello(hello) => hello,
        message => panic!("{message:?}"),
    }
}

fn refused(message: &ToHost) -> &str {
    match message {
        ToHost::Refused { sentence } => sentence,
        message => panic!("{message:?}"),
    }
}

/// Returns what a command printed, and checks the offsets and lengths of its parts.
fn printed(messages: &[ToHost]) -> String {
    let mut whole = String::new();
    for message in messages {
        if let ToHost::Output { offset, text, .. } = message {
            assert!(text.len() <= TEXT_LIMIT);
            assert_eq!(*offset, whole.len() as u64);
            whole.push_str(text);
        }
    }
    whole
}
