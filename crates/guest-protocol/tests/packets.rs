//! Packets arrive whole, among any other bytes, however the bytes are split; and nothing else is taken for
//! one.

#![forbid(unsafe_code)]

use proptest::prelude::*;
use ringcopy_guest_protocol::{
    Bytes, Command, DATA_LIMIT, Damage, FILES_LIMIT, File, FileName, Hello, Last, MESSAGE_LIMIT,
    NAME_LIMIT, Outcome, Received, Receiver, State, TEXT_LIMIT, ToGuest, ToHost, VERSION, encode,
};

fn name(text: &str) -> FileName {
    text.to_owned().try_into().unwrap()
}

/// One message of every kind, each as long as it can be.
fn to_host() -> Vec<ToHost> {
    let number = u32::MAX;
    vec![
        ToHost::Hello(Hello {
            version: VERSION,
            client: "0.1.0".into(),
            windows: [10, 0, 26100],
            starts: 2,
            last: Some(Last {
                number,
                command: Command::VmTest {
                    loads: Some(7),
                    no_restart: false,
                    risky: true,
                },
                state: State::Ended(Outcome::Lost),
            }),
        }),
        ToHost::Started { number },
        ToHost::Output {
            number,
            offset: u64::MAX,
            text: "\u{1}".repeat(TEXT_LIMIT),
        },
        ToHost::Restarting { number },
        ToHost::Ended {
            number,
            outcome: Outcome::Exit(i32::MIN),
        },
        ToHost::Files(
            (0..FILES_LIMIT)
                .map(|_| File {
                    name: name(&"n".repeat(NAME_LIMIT)),
                    length: u64::MAX,
                })
                .collect(),
        ),
        ToHost::Data {
            name: name(&"n".repeat(NAME_LIMIT)),
            offset: u64::MAX,
            bytes: Bytes(vec![0xFF; DATA_LIMIT]),
            length: u64::MAX,
        },
        ToHost::Refused {
            sentence: "\r\n\u{1}".into(),
        },
        ToHost::ShuttingDown,
    ]
}

fn to_guest() -> Vec<ToGuest> {
    vec![
        ToGuest::Greet,
        ToGuest::Run {
            number: 1,
            command: Command::Selftest,
        },
        ToGuest::List,
        ToGuest::Read {
            name: name("a.dmp"),
            offset: u64::MAX,
        },
        ToGuest::ShutDown,
    ]
}

/// What a receiver finds in bytes that come in pieces of a length.
fn received(bytes: &[u8], piece: usize) -> Vec<Received<ToHost>> {
    let mut receiver = Receiver::new();
    bytes
        .chunks(piece)
        .flat_map(|piece| receiver.receive(piece))
        .collect()
}

#[test]
fn a_packet_is_a_line_that_can_be_read() {
    let packet = encode(&ToHost::Started { number: 7 }).unwrap();
    let text = String::from_utf8(packet).unwrap();
    assert_eq!(text, "\u{1}24 940f71af {\"started\":{\"number\":7}}\n");
    assert_eq!(
        crc32fast::hash(b"123456789"),
        0xCBF4_3926,
        "the usual CRC-32"
    );
}

#[test]
fn every_message_fits_and_arrives() {
    for message in to_host() {
        let packet = encode(&message).unwrap();
        assert!(packet.len() <= MESSAGE_LIMIT + 16);
        assert_eq!(packet.iter().rposition(|byte| *byte == 1), Some(0));
        assert_eq!(received(&packet, 1), [Received::Message(message)]);
    }
    for message in to_guest() {
        let packet = encode(&message).unwrap();
        let mut receiver = Receiver::new();
        assert_eq!(receiver.receive(&packet), [Received::Message(message)]);
    }
}

#[test]
fn an_echo_is_no_message() {
    for message in to_guest() {
        let packet = encode(&message).unwrap();
        assert_eq!(received(&packet, 7), [Received::Damaged(Damage::Message)]);
    }
}

#[test]
fn a_message_that_is_too_long_is_not_sent() {
    let text = "\u{1}".repeat(MESSAGE_LIMIT / 6);
    let (number, offset) = (1, 0);
    assert!(
        encode(&ToHost::Output {
            number,
            offset,
            text
        })
        .is_err()
    );
}

#[test]
fn every_damage_is_told_and_costs_one_packet() {
    let good = encode(&ToHost::ShuttingDown).unwrap();
    let with = |packet: &str| [b"\x01", packet.as_bytes(), b"\n"].concat();
    let text = String::from_utf8(good[1..good.len() - 1].to_vec()).unwrap();
    let too_long = with(&"x".repeat(2 * MESSAGE_LIMIT));
    for (bad, damage) in [
        (good[..good.len() - 1].to_vec(), Damage::Unfinished),
        (too_long, Damage::TooLong),
        (with(""), Damage::Form),
        (with("1 2"), Damage::Form),
        (with(&format!("+{text}")), Damage::Form),
        (with("-1 00000000 x"), Damage::Form),
        (with("99999999999 00000000 x"), Damage::Form),
        (with(&format!("{text} ")), Damage::Length),
        (
            with(&text.replace("shutting", "Shutting")),
            Damage::Checksum,
        ),
        (encode(&"no such message").unwrap(), Damage::Message),
        (encode(&[0; 9]).unwrap(), Damage::Message),
        (encode(&ToGuest::List).unwrap(), Damage::Message),
    ] {
        let bytes = [bad, good.clone()].concat();
        let expected = [
            Received::Damaged(damage),
            Received::Message(ToHost::ShuttingDown),
        ];
        assert_eq!(received(&bytes, 5), expected, "{damage}");
    }
}

#[test]
fn noise_is_kept_apart_and_bounded() {
    let good = encode(&ToHost::ShuttingDown).unwrap();
    let noise = [b"\x1b[2J\r\n\r\nBooting".as_slice(), &good, b"tail"].concat();
    let expected = [
        Received::Noise(b"\x1b[2J".to_vec()),
        Received::Noise(b"Booting".to_vec()),
        Received::Message(ToHost::ShuttingDown),
    ];
    assert_eq!(received(&noise, 3), expected);
    let endless = received(&vec![b'x'; 10 * MESSAGE_LIMIT], 100);
    assert!(endless.len() >= 9);
    for piece in endless {
        assert!(matches!(piece, Received::Noise(bytes) if bytes.len() <= MESSAGE_LIMIT + 32));
    }
}

#[test]
fn a_carriage_return_of_a_terminal_is_ignored() {
    let mut packet = encode(&ToHost::ShuttingDown).unwrap();
    packet.insert(packet.len() - 1, b'\r');
    let expected = [Received::Message(ToHost::ShuttingDown)];
    assert_eq!(received(&packet, 1), expected);
}

#[test]
fn a_name_leads_nowhere_else() {
    for bad in [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        r"a\b",
        "C:",
        "a\0",
        "é",
        "a b",
        &"n".repeat(NAME_LIMIT + 1),
    ] {
        assert!(FileName::try_from(bad.to_owned()).is_err(), "{bad:?}");
        let message = format!(r#"{{"read":{{"name":{bad:?},"offset":0}}}}"#);
        assert!(
            serde_json::from_str::<ToGuest>(&message).is_err(),
            "{bad:?}"
        );
    }
    assert_eq!(name("MEMORY.DMP").as_str(), "MEMORY.DMP");
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2000), piece in 1_usize..50) {
        let whole = received(&bytes, bytes.len().max(1));
        prop_assert_eq!(received(&bytes, piece), whole);
    }

    #[test]
    fn a_flipped_bit_never_makes_another_message(index in 0_usize..8, at: prop::sample::Index, bit in 0_u32..8) {
        let message = to_host().swap_remove(index);
        let mut packet = encode(&message).unwrap();
        let at = at.index(packet.len());
        packet[at] ^= 1_u8 << bit;
        packet.extend_from_slice(b"\n");
        for found in received(&packet, 1000) {
            // The case of a hexadecimal digit means nothing.
            prop_assert!(!matches!(found, Received::Message(other) if other != message));
        }
    }

    #[test]
    fn messages_arrive_among_noise(
        indices in proptest::collection::vec(0_usize..9, 1..6),
        noise in proptest::collection::vec(2_u8.., 0..300),
        piece in 1_usize..4000,
    ) {
        let mut bytes = Vec::new();
        let mut sent = Vec::new();
        for index in indices {
            bytes.extend_from_slice(&noise);
            let message = to_host().swap_remove(index);
            bytes.extend(encode(&message).unwrap());
            sent.push(message);
        }
        let messages: Vec<_> = received(&bytes, piece)
            .into_iter()
            .filter_map(|found| match found {
                Received::Message(message) => Some(message),
                _ => None,
            })
            .collect();
        prop_assert_eq!(messages, sent);
    }
}
