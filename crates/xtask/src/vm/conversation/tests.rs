//! Guests that have said all they will say before the host listens.

use super::*;
use crate::vm::machine::TICK;
use ringcopy_guest_protocol::{Bytes, Last, encode};
use std::{io::Write as _, net::Shutdown, os::unix::net::UnixStream};

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
        host.set_read_timeout(Some(TICK)).unwrap();
        let mut conversation = Conversation::new(host, Duration::ZERO, &GOES_ON, |_| ());
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
fn a_guest_that_replies_to_nothing_and_never_stops_is_one_sentence() {
    let chatter: Vec<_> = std::iter::repeat_n(STARTED, 2000).collect();
    let talks: [fn(&mut Conversation<'static>) -> Result<()>; 3] = [
        |conversation| conversation.greeting().map(drop),
        |conversation| conversation.run(Command::Doctor).map(drop),
        |conversation| conversation.fetch(Path::new("nowhere")).map(drop),
    ];
    for talk in talks {
        assert_eq!(
            Script::of(&chatter).told(talk).unwrap_err().to_string(),
            "the guest sends message after message, and no reply"
        );
    }
}

#[test]
fn a_guest_of_another_version_is_one_sentence() {
    let ToHost::Hello(mut hello) = hello(None) else {
        unreachable!()
    };
    hello.version += 1;
    let error = Script::of(&[ToHost::Hello(hello)]).told(Conversation::greeting);
    let sentence = error.unwrap_err().to_string();
    let expected = format!("the guest speaks version {}", VERSION + 1);
    assert!(sentence.starts_with(&expected), "{sentence}");
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
    let mut conversation = Conversation::new(host, Duration::from_hours(1), &STOPS, |_| ());
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
