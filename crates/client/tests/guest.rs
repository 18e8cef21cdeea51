//! The guest, as its host sees it: across restarts, crashes, noise on the line, and full disks.

#![cfg(feature = "program")]
#![forbid(unsafe_code)]

#[path = "simulated/console/mod.rs"]
mod console;
#[path = "simulated/driver/mod.rs"]
mod driver;
mod folder;
#[path = "simulated/system/mod.rs"]
mod system;

use std::{
    collections::VecDeque,
    fs,
    io::{self, Write},
    path::PathBuf,
};

use driver::SimulatedDriver;
use folder::Folder;
use proptest::prelude::*;
use ringcopy_client::{
    cli::{self, Console},
    guest::{Machine, Port, serve},
    machine::Failure,
};
use ringcopy_guest_protocol::{
    Command, DATA_LIMIT, FileName, Hello, Outcome, Received, Receiver, State, TEXT_LIMIT, ToGuest,
    ToHost, encode,
};
use system::SimulatedSystem;

const VM_TEST: Command = Command::VmTest {
    no_restart: false,
    risky: false,
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
            &mut Console {
                out,
                err,
                input: &mut io::empty(),
                terminal: false,
                progress: false,
            },
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

#[test]
fn a_command_is_announced_streamed_and_ended() {
    let folder = Folder::new("guest-runs");
    let mut machine = TestMachine {
        code: 3,
        ..TestMachine::default()
    };
    let messages = served(
        &mut machine,
        &folder,
        [ToGuest::Greet, run(1, Command::Doctor)],
    );
    assert_eq!(hello(&messages[0]).last, None);
    assert_eq!(hello(&messages[1]).windows, [10, 0, 26100]);
    let line = |offset, text: &str| ToHost::Output {
        number: 1,
        offset,
        text: text.into(),
    };
    assert_eq!(
        messages[2..],
        [
            ToHost::Started { number: 1 },
            line(0, "one\n"),
            line(4, "two\n"),
            line(8, "an error\n"),
            ToHost::Ended {
                number: 1,
                outcome: Outcome::Exit(3)
            }
        ]
    );
}

#[test]
fn each_command_is_the_clients() {
    let folder = Folder::new("guest-commands");
    let path = folder.at().display();
    let vm_test = |no_restart, risky| Command::VmTest { no_restart, risky };
    let install = |trust_certificate| Command::Install { trust_certificate };
    let commands = [
        (install(false), "install".to_owned()),
        (install(true), "install --trust-certificate".into()),
        (Command::Uninstall, "uninstall".into()),
        (Command::Start, "start".into()),
        (Command::Stop, "stop".into()),
        (Command::Status, "status".into()),
        (Command::Doctor, "doctor".into()),
        (Command::Info, "info".into()),
        (Command::Selftest, "selftest".into()),
        (Command::Verify, "verify".into()),
        (VM_TEST, format!("vm-test --folder {path}")),
        (
            vm_test(true, true),
            format!("vm-test --no-restart --risky --folder {path}"),
        ),
        (
            Command::GiveUp,
            format!("vm-test --give-up --folder {path}"),
        ),
    ];
    let mut machine = TestMachine::default();
    let requests = commands.iter().zip(1..);
    let requests: Vec<_> = requests
        .map(|((command, _), number)| run(number, *command))
        .collect();
    served(&mut machine, &folder, requests);
    let expected: Vec<_> = commands.iter().map(|(_, line)| line.clone()).collect();
    assert_eq!(machine.ran, expected);
}

#[test]
fn each_number_is_run_once_also_after_a_start() {
    let folder = Folder::new("guest-numbers");
    let mut machine = TestMachine::default();
    let first = run(1, Command::Info);
    served(
        &mut machine,
        &folder,
        [first.clone(), first.clone(), first.clone()],
    );
    assert_eq!(machine.ran, ["info"]);
    let again = served(
        &mut machine,
        &folder,
        [
            first,
            run(2, Command::Stop),
            run(1, Command::Stop),
            run(0, Command::Stop),
        ],
    );
    assert_eq!(machine.ran, ["info", "stop"]);
    let ended = |number| ToHost::Ended {
        number,
        outcome: Outcome::Exit(0),
    };
    assert_eq!(
        hello(&again[0]).last.unwrap().state,
        State::Ended(Outcome::Exit(0))
    );
    assert_eq!(again[1], ended(1));
    assert!(again.contains(&ended(2)));
    for (refusal, number) in again[again.len() - 2..].iter().zip([1, 0]) {
        assert!(refused(refusal).starts_with(&format!("the number {number} was used before")));
    }
}

#[test]
fn a_test_under_verifier_goes_through_its_restarts() {
    let folder = Folder::new("guest-course");
    let mut machine = TestMachine::with_client();
    let mut messages = served(&mut machine, &folder, [run(1, VM_TEST)]);
    let mut starts = 1;
    while messages.last() == Some(&ToHost::Restarting { number: 1 }) {
        messages = served(&mut machine, &folder, []);
        starts += 1;
        assert_eq!(hello(&messages[0]).starts, starts);
        let last = hello(&messages[0]).last.unwrap();
        assert_eq!((last.number, last.state), (1, State::Running));
        assert_eq!(messages[1], ToHost::Started { number: 1 });
    }
    assert_eq!(machine.restarts, 2);
    let ended = ToHost::Ended {
        number: 1,
        outcome: Outcome::Exit(0),
    };
    assert_eq!(messages.last(), Some(&ended), "{}", printed(&messages));
    assert!(printed(&messages).contains("nothing found"));
}

#[test]
fn a_command_that_a_crash_ended_is_lost_and_not_run_again() {
    let folder = Folder::new("guest-lost");
    let mut machine = TestMachine {
        folder: Some(folder.at().into()),
        ..TestMachine::default()
    };
    served(&mut machine, &folder, [run(1, Command::Selftest)]);
    folder.write(STATE, &machine.left_by_crash);
    assert_eq!(machine.ran, ["selftest"]);
    let messages = served(&mut machine, &folder, [run(1, Command::Selftest)]);
    assert_eq!(
        hello(&messages[0]).last.unwrap().state,
        State::Ended(Outcome::Lost)
    );
    let ended = ToHost::Ended {
        number: 1,
        outcome: Outcome::Lost,
    };
    assert_eq!(messages[1..], [ended]);
    assert_eq!(machine.ran, ["selftest"]);
}

#[test]
fn a_machine_that_crashes_in_each_test_is_not_restarted_without_end() {
    let folder = Folder::new("guest-endless");
    let mut machine = TestMachine {
        folder: Some(folder.at().into()),
        ..TestMachine::default()
    };
    let mut messages = served(&mut machine, &folder, [run(1, VM_TEST)]);
    let mut starts = 0;
    while machine.ran.len() > starts {
        starts += 1;
        folder.write(STATE, &machine.left_by_crash);
        messages = served(&mut machine, &folder, []);
    }
    let last = hello(&messages[0]).last.unwrap();
    assert_eq!(last.state, State::Ended(Outcome::Lost));
    assert_eq!(starts, 40);
}

#[test]
fn noise_echoes_and_damaged_packets_are_passed_over() {
    let folder = Folder::new("guest-noise");
    let mut machine = TestMachine::default();
    let request = encode(&run(1, Command::Info)).unwrap();
    let mut damaged = request.clone();
    damaged[20] ^= 1;
    let echo = encode(&ToHost::ShuttingDown).unwrap();
    let mut line = Line::default();
    let noise = [
        b"\x1b[2JBdsDxe: loading\r\n".as_slice(),
        &damaged,
        &echo,
        &request[..9],
    ]
    .concat();
    line.incoming.extend(noise.chunks(3).map(<[u8]>::to_vec));
    line.incoming.extend(request.chunks(1).map(<[u8]>::to_vec));
    serve(&mut line, &mut machine, folder.at()).unwrap();
    assert_eq!(machine.ran, ["info"]);
}

#[test]
fn files_are_listed_and_read_in_parts() {
    let folder = Folder::new("guest-files");
    let dumps = folder.at().join("Minidump");
    fs::create_dir(&dumps).unwrap();
    let dump: Vec<u8> = (0..251).cycle().take(3 * DATA_LIMIT + 5).collect();
    fs::write(dumps.join("112926-01.dmp"), &dump).unwrap();
    fs::write(dumps.join("no name.dmp"), "no").unwrap();
    folder.write("ringcopy-vm-test.txt", "a report");
    folder.write("private.txt", "not offered");
    let mut machine = TestMachine {
        dumps: vec![dumps, folder.at().join("MEMORY.DMP")],
        ..TestMachine::default()
    };
    let name = |text: &str| FileName::try_from(text.to_owned()).unwrap();
    let read = |offset| ToGuest::Read {
        name: name("112926-01.dmp"),
        offset,
    };
    let offsets: Vec<_> = (0..6).map(|part| part * DATA_LIMIT as u64).collect();
    let requests = std::iter::once(ToGuest::List)
        .chain(offsets.iter().map(|offset| read(*offset)))
        .chain([ToGuest::Read {
            name: name("private.txt"),
            offset: 0,
        }]);
    let messages = served(&mut machine, &folder, requests);
    let ToHost::Files(files) = &messages[1] else {
        panic!("{:?}", messages[1]);
    };
    let listed: Vec<_> = files
        .iter()
        .map(|file| (file.name.as_str(), file.length))
        .collect();
    assert_eq!(
        listed,
        [
            ("ringcopy-vm-test.txt", 8),
            ("112926-01.dmp", dump.len() as u64)
        ]
    );
    let mut whole = Vec::new();
    for (message, offset) in messages[2..8].iter().zip(offsets) {
        let ToHost::Data {
            bytes,
            offset: at,
            length,
            ..
        } = message
        else {
            panic!("{message:?}");
        };
        assert_eq!((*at, *length), (offset, dump.len() as u64));
        whole.extend_from_slice(&bytes.0);
    }
    assert!(whole == dump, "the parts make the file");
    assert_eq!(refused(&messages[8]), "there is no file private.txt");
}

#[test]
fn output_of_any_kind_arrives_whole() {
    let long = "é".repeat(3 * TEXT_LIMIT);
    for (number, text) in [
        (1, "no end"),
        (2, long.as_str()),
        (3, ""),
        (4, "\u{1}\u{2}\n\n\r\n"),
    ] {
        let folder = Folder::new(&format!("guest-output-{number}"));
        let mut machine = TestMachine {
            prints: text.into(),
            ..TestMachine::default()
        };
        let messages = served(&mut machine, &folder, [run(number, Command::Info)]);
        let expected = format!("{text}an error\n");
        assert_eq!(printed(&messages).replace('\u{FFFD}', ""), expected);
    }
}

#[test]
fn what_cannot_be_written_down_is_not_run() {
    let folder = Folder::new("guest-full");
    // A folder where the file would be written first.
    fs::create_dir(folder.at().join("ringcopy-guest.part")).unwrap();
    let mut machine = TestMachine::default();
    let messages = served(
        &mut machine,
        &folder,
        [run(1, Command::Info), ToGuest::Greet],
    );
    assert!(refused(&messages[1]).starts_with("cannot write "));
    assert_eq!(hello(&messages[2]).last, None);
    assert_eq!(machine.ran, [""; 0]);
}

#[test]
fn a_file_of_another_program_is_told_of() {
    let folder = Folder::new("guest-damaged");
    folder.write(STATE, "\0\0\0");
    let failure = serve(
        &mut Line::default(),
        &mut TestMachine::default(),
        folder.at(),
    );
    assert!(
        failure
            .unwrap_err()
            .0
            .contains("is not a file that this program wrote")
    );
}

#[test]
fn a_machine_that_does_not_end_says_so() {
    let folder = Folder::new("guest-stays");
    let mut machine = TestMachine::with_client();
    machine.refuses_to_end = true;
    let messages = served(&mut machine, &folder, [ToGuest::ShutDown, run(1, VM_TEST)]);
    assert_eq!(refused(&messages[1]), "Windows does not shut down.");
    let outcome = Outcome::Exit(cli::FAILURE);
    assert_eq!(messages.last(), Some(&ToHost::Ended { number: 1, outcome }));
    let told = |message: &ToHost| matches!(message, ToHost::Output { text, .. } if text.contains("Windows does not restart."));
    assert!(messages.iter().any(told));

    machine.refuses_to_end = false;
    let messages = served(&mut machine, &folder, [ToGuest::ShutDown, ToGuest::Greet]);
    assert_eq!(messages[1..], [ToHost::ShuttingDown]);
}

proptest! {
    #[test]
    fn nothing_but_a_command_runs_one(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let folder = Folder::new("guest-fuzz");
        let mut machine = TestMachine::default();
        let mut line = Line::default();
        line.incoming.extend(bytes.chunks(100).map(<[u8]>::to_vec));
        serve(&mut line, &mut machine, folder.at()).unwrap();
        prop_assert!(machine.ran.is_empty());
    }
}
