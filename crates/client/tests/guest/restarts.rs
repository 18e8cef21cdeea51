//! Restarts, crashes, and a machine that does not end.

use ringcopy_client::{cli, guest::serve};
use ringcopy_guest_protocol::{Command, Outcome, State, ToGuest, ToHost};

use crate::{
    Line, STATE, TestMachine, VM_TEST, folder::Folder, hello, printed, refused, run, served,
};

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
    let mut machine = TestMachine::crashing(&folder);
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
    let mut machine = TestMachine::crashing(&folder);
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
