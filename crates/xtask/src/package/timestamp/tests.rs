//! What of an authority's answers is believed, and what is not.

use super::{
    Authority, Question, Refusal,
    counterfeit::{Answer, DAY, NOW, around, head, serve, time},
    token,
    transport::Address,
};
use crate::package::indirect_data::sha256_algorithm;
use der::{
    Any, Decode, Encode,
    asn1::{BitString, Int, ObjectIdentifier, OctetString},
};
use sha1::{Digest, Sha1};
use std::{
    io::Read as _,
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

const SIGNATURE: &[u8] = b"a signature";

/// What is made of an answer.
fn judged(answer: &Answer) -> Result<Any, Refusal> {
    let question = Question::about(SIGNATURE).unwrap();
    let answer = answer.to(&question.request().to_der().unwrap());
    token::judged(&answer, &question, &around(NOW, 30 * DAY))
}

fn first_bit_changed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[0] ^= 1;
    bytes
}

#[test]
fn a_token_is_taken_as_it_came() {
    let question = Question::about(SIGNATURE).unwrap();
    let answer = Answer::default().to(&question.request().to_der().unwrap());
    let token = token::judged(&answer, &question, &around(NOW, DAY)).unwrap();
    assert!(answer.ends_with(&token.to_der().unwrap()));
}

#[test]
fn more_exact_times_and_lesser_grants_will_do() {
    for answer in [
        Answer {
            time: time("20231114221320.125Z"),
            ..Answer::default()
        },
        Answer {
            status: 1,
            ..Answer::default()
        },
    ] {
        assert!(judged(&answer).is_ok());
    }
}

#[test]
#[allow(clippy::too_many_lines)]
fn each_lie_is_refused_by_its_name() {
    let other = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
    let code_signing = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
    let stamping = token::TIME_STAMPING;
    let honest = Answer::default;
    let kinds = honest().kinds;
    let answers = [
        (
            Answer {
                status: 2,
                text: Some(vec!["not\ntoday".to_owned()]),
                failure: Some(BitString::new(5, [0b1010_0000]).unwrap()),
                token: false,
                ..honest()
            },
            "refused: status 2, \"not\\ntoday\", it does not know the hash, it does not allow",
        ),
        // A token that comes with a refusal is none.
        (
            Answer {
                status: 3,
                ..honest()
            },
            "refused: status 3",
        ),
        (
            Answer {
                token: false,
                ..honest()
            },
            "sent none",
        ),
        (
            Answer {
                kinds: [other, kinds[1], kinds[2]],
                ..honest()
            },
            "no time stamp",
        ),
        (
            Answer {
                kinds: [kinds[0], other, kinds[2]],
                ..honest()
            },
            "no time stamp",
        ),
        (
            Answer {
                kinds: [kinds[0], kinds[1], other],
                ..honest()
            },
            "signature of its time stamp is wrong",
        ),
        (
            Answer {
                version: 2,
                ..honest()
            },
            "no time stamp",
        ),
        (
            Answer {
                imprint: |mut asked| {
                    asked.hash =
                        OctetString::new(first_bit_changed(asked.hash.into_bytes())).unwrap();
                    asked
                },
                ..honest()
            },
            "something else than was sent",
        ),
        (
            Answer {
                imprint: |mut asked| {
                    asked.algorithm.oid = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
                    asked
                },
                ..honest()
            },
            "something else than was sent",
        ),
        (
            Answer {
                nonce: |asked| {
                    Some(Int::new(&first_bit_changed(asked.as_bytes().to_vec())).unwrap())
                },
                ..honest()
            },
            "answers another request",
        ),
        (
            Answer {
                nonce: |_| None,
                ..honest()
            },
            "answers another request",
        ),
        (
            Answer {
                signers: 0,
                ..honest()
            },
            "exactly one signature",
        ),
        (
            Answer {
                signers: 2,
                ..honest()
            },
            "exactly one signature",
        ),
        (
            Answer {
                certificate: false,
                ..honest()
            },
            "left out the certificate",
        ),
        (
            Answer {
                purposes: vec![code_signing],
                ..honest()
            },
            "not one for time stamps",
        ),
        (
            Answer {
                purposes: vec![stamping, code_signing],
                ..honest()
            },
            "not one for time stamps",
        ),
        (
            Answer {
                critical: false,
                ..honest()
            },
            "not one for time stamps",
        ),
        (
            Answer {
                signature: first_bit_changed,
                ..honest()
            },
            "signature of its time stamp is wrong",
        ),
        (
            Answer {
                signature: |_| Vec::new(),
                ..honest()
            },
            "signature of its time stamp is wrong",
        ),
        (
            Answer {
                attributes: false,
                ..honest()
            },
            "signature of its time stamp is wrong",
        ),
        (
            Answer {
                digest: |_| vec![0; 32],
                ..honest()
            },
            "signature of its time stamp is wrong",
        ),
        (
            // The time, an hour later.
            Answer {
                signed_content: |mut content| {
                    let at = content.windows(4).position(|four| four == b"2213").unwrap();
                    content[at + 1] = b'3';
                    content
                },
                ..honest()
            },
            "signature of its time stamp is wrong",
        ),
        (
            Answer {
                named: |_| vec![0; 32],
                ..honest()
            },
            "another certificate than it says",
        ),
        (
            Answer {
                hash: {
                    let mut hash = sha256_algorithm();
                    hash.oid = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
                    hash
                },
                digest: |content| Sha1::digest(content).to_vec(),
                ..honest()
            },
            "in a way that is not known here (1.3.14.3.2.26)",
        ),
        (
            Answer {
                validity: around(NOW + 2 * DAY, DAY),
                ..honest()
            },
            "its certificate is not valid",
        ),
        (
            Answer {
                validity: around(NOW.saturating_sub(2 * DAY), DAY),
                ..honest()
            },
            "its certificate is not valid",
        ),
        (
            Answer {
                time: time("20230914221320Z"),
                validity: around(NOW, 300 * DAY),
                ..honest()
            },
            "the test certificate is not valid",
        ),
        (
            Answer {
                time: time("20231314221320Z"),
                ..honest()
            },
            "can't be read",
        ),
    ];
    for (number, (answer, expected)) in answers.iter().enumerate() {
        let refused = match judged(answer) {
            Ok(_) => panic!("answer {number} was believed, and is to be refused: {expected}"),
            Err(refusal) => refusal.to_string(),
        };
        assert!(refused.contains(expected), "answer {number}: {refused}");
    }
}

#[test]
fn no_shortened_or_changed_answer_is_believed() {
    let question = Question::about(SIGNATURE).unwrap();
    let whole = Answer::default().to(&question.request().to_der().unwrap());
    let validity = around(NOW, DAY);
    for length in 0..whole.len() {
        let shortened = token::judged(&whole[..length], &question, &validity);
        assert!(shortened.is_err(), "{length} bytes");
    }
    let token = token::judged(&whole, &question, &validity).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        // What is not signed, such as the certificate's own signature, may be different; what is
        // signed may not.
        if let Ok(other) = token::judged(&changed, &question, &validity) {
            assert_eq!(signed_part(&other), signed_part(&token), "byte {at}");
        }
    }
}

fn signed_part(token: &Any) -> Vec<u8> {
    let message: cms::content_info::ContentInfo = token.decode_as().unwrap();
    let signed: cms::signed_data::SignedData = message.content.decode_as().unwrap();
    signed.encap_content_info.to_der().unwrap()
}

/// What comes of asking this server.
fn asked(address: Address) -> Result<Any, String> {
    let authority = Authority {
        patience: Duration::from_secs(20),
        ..Authority::at(address)
    };
    authority
        .stamp(SIGNATURE, &around(NOW, DAY))
        .map_err(|problem| problem.to_string())
}

#[test]
fn an_authority_is_asked_over_http() {
    let address = serve(|request| {
        let answer = Answer::default().to(request);
        (head(&answer), answer)
    });
    let token = asked(address).unwrap();
    assert!(cms::content_info::ContentInfo::from_der(&token.to_der().unwrap()).is_ok());
}

#[test]
fn what_is_no_answer_is_refused_with_what_to_do() {
    let kind = |content_type: &str| {
        let lines = format!("200 OK\r\nContent-Type: {content_type}\r\nContent-Length: 0");
        move |_: &[u8]| (lines, Vec::new())
    };
    let cases = [
        (
            serve(|_| ("404 Not Found\r\nContent-Length: 0".to_owned(), Vec::new())),
            "HTTP status 404",
        ),
        (
            serve(|request| {
                let answer = Answer::default().to(request);
                (head(&answer).replace("200 OK", "500 Sorry"), answer)
            }),
            "HTTP status 500",
        ),
        (
            serve(|_| {
                let elsewhere = "302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0";
                (elsewhere.to_owned(), Vec::new())
            }),
            "HTTP status 302",
        ),
        (serve(kind("text/html; charset=utf-8")), "\"text/html\""),
        (
            serve(|request| {
                let answer = Answer::default().to(request);
                let head = head(&answer).replace("timestamp-reply", "octet-stream");
                (head, answer)
            }),
            "\"application/octet-stream\"",
        ),
        (serve(kind("application/timestamp-reply")), "can't be read"),
        (
            serve(|_| {
                let long = vec![0x30; 64 * 1024 + 1];
                (head(&long), long)
            }),
            "longer than any",
        ),
        (
            // Without a length, and without an end but that of the connection.
            serve(|_| {
                let lines = "200 OK\r\nContent-Type: application/timestamp-reply";
                (lines.to_owned(), vec![0x30; 1 << 20])
            }),
            "longer than any",
        ),
        (
            serve(|request| {
                let answer = Answer::default().to(request);
                let short = answer[..answer.len() / 2].to_vec();
                (head(&answer), short)
            }),
            "no answer came",
        ),
        (
            serve(|_| ("nonsense".to_owned(), Vec::new())),
            "no answer came",
        ),
    ];
    for (address, expected) in cases {
        let refused = asked(address.clone()).unwrap_err();
        assert!(refused.starts_with(&address.to_string()), "{refused}");
        assert!(refused.contains(expected), "{expected}: {refused}");
        assert!(refused.contains("--timestamp"), "{refused}");
    }
}

#[test]
fn an_authority_that_is_not_there_or_says_nothing_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = asked(format!("http://{address}/").parse().unwrap()).unwrap_err();
    assert!(refused.contains("no answer came"), "{refused}");

    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let silent = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        // Until the client gives up, and without a word.
        let _ = stream.read_to_end(&mut all);
    });
    let authority = Authority {
        patience: Duration::from_millis(50),
        ..Authority::at(format!("http://{address}/").parse().unwrap())
    };
    let refused = authority.stamp(SIGNATURE, &around(NOW, DAY)).unwrap_err();
    assert!(refused.to_string().contains("timeout"), "{refused}");
    // Where the client's patience ended before it had connected, nobody else comes.
    drop(TcpStream::connect(address));
    silent.join().unwrap();
}

#[test]
fn what_is_no_address_of_an_authority_is_refused_at_once() {
    for text in [
        "https://example.org/",
        "ftp://example.org/",
        "example.org",
        "",
        "http://",
        "http:///path",
        "http://ex ample.org/",
    ] {
        let refused = text.parse::<Address>().unwrap_err();
        assert!(refused.contains("http://"), "{text}: {refused}");
    }
    assert!("http://example.org:8080/stamps".parse::<Address>().is_ok());
}
