//! Each command is the client's, is run once, and its output arrives.

use std::fs;

use ringcopy_guest_protocol::{Command, Outcome, State, TEXT_LIMIT, ToGuest, ToHost};

use crate::{TestMachine, VM_TEST, folder::Folder, hello, printed, refused, run, served};

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
    let vm_test = |no_restart, risky, loads| Command::VmTest {
        no_restart,
        risky,
        loads,
    };
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
            vm_test(true, true, Some(7)),
            format!("vm-test --no-restart --risky --loads 7 --folder {path}"),
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
