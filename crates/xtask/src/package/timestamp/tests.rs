//! Which responses of an authority are accepted, and which are refused.

use super::{
    Authority,
    forged_response::{DAY, Forged, NOW, around, time},
    question::Question,
    token,
    transport::Address,
};
use const_oid::db::{
    rfc5280::{ID_KP_CODE_SIGNING, ID_KP_TIME_STAMPING},
    rfc5911::ID_DATA,
    rfc5912::{ID_SHA_1, ID_SHA_384},
};
use der::{
    Any, Decode, Encode,
    asn1::{BitString, Int, OctetString},
};
use sha1::{Digest, Sha1};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

const SIGNATURE: &[u8] = b"a signature";

/// Returns the token of a response, or the sentence with which it is refused.
fn accepted(forge: fn(&mut Forged)) -> Result<Any, String> {
    let question = Question::about(SIGNATURE).unwrap();
    let mut forged = Forged::default();
    forge(&mut forged);
    let response = forged.response_to(&question.request().to_der().unwrap());
    token::of_response(&response, &question, &around(NOW, 30 * DAY))
        .map_err(|error| format!("{error:#}"))
}

fn valid_response(request: &[u8]) -> Vec<u8> {
    Forged::default().response_to(request)
}

fn first_bit_changed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[0] ^= 1;
    bytes
}

#[test]
fn a_token_is_returned_unchanged() {
    let question = Question::about(SIGNATURE).unwrap();
    let response = valid_response(&question.request().to_der().unwrap());
    let token = token::of_response(&response, &question, &around(NOW, DAY)).unwrap();
    assert!(response.ends_with(&token.to_der().unwrap()));
}

#[test]
fn fractions_of_a_second_and_grants_with_changes_are_accepted() {
    assert!(accepted(|forged| forged.time = time("20231114221320.125Z")).is_ok());
    assert!(accepted(|forged| forged.status = 1).is_ok());
}

/// A change that makes a response false, and a part of the sentence with which it is refused.
type Forgery = (fn(&mut Forged), &'static str);

const WRONG_SIGNATURE: &str = "signature of its time stamp is wrong";

const FORGERIES: [Forgery; 28] = [
    (
        |forged| {
            forged.status = 2;
            forged.text = Some(vec!["not\ntoday".to_owned()]);
            forged.failure = Some(BitString::new(5, [0b1010_0000]).unwrap());
            forged.token = false;
        },
        "refused: status 2, \"not\\ntoday\", it does not know the hash, it does not allow",
    ),
    // A token that comes with a refusal does not count.
    (|forged| forged.status = 3, "refused: status 3"),
    (|forged| forged.token = false, "sent none"),
    (|forged| forged.kinds[0] = ID_DATA, "no time stamp"),
    (|forged| forged.kinds[1] = ID_DATA, "no time stamp"),
    (|forged| forged.kinds[2] = ID_DATA, WRONG_SIGNATURE),
    (|forged| forged.version = 2, "no time stamp"),
    (
        |forged| {
            forged.imprint = |mut asked| {
                let hash = first_bit_changed(asked.hash.into_bytes());
                asked.hash = OctetString::new(hash).unwrap();
                asked
            };
        },
        "something else than was sent",
    ),
    (
        |forged| {
            forged.imprint = |mut asked| {
                asked.algorithm.oid = ID_SHA_384;
                asked
            };
        },
        "something else than was sent",
    ),
    (
        |forged| {
            forged.nonce = |asked| Int::new(&first_bit_changed(asked.as_bytes().to_vec())).ok();
        },
        "responds to another request",
    ),
    (
        |forged| forged.nonce = |_| None,
        "responds to another request",
    ),
    (|forged| forged.signers = 0, "exactly one signature"),
    (|forged| forged.signers = 2, "exactly one signature"),
    (
        |forged| forged.certificate = false,
        "left out the certificate",
    ),
    (
        |forged| forged.purposes = vec![ID_KP_CODE_SIGNING],
        "not one for time stamps",
    ),
    (
        |forged| forged.purposes = vec![ID_KP_TIME_STAMPING, ID_KP_CODE_SIGNING],
        "not one for time stamps",
    ),
    (|forged| forged.critical = false, "not one for time stamps"),
    (
        |forged| forged.signature = first_bit_changed,
        WRONG_SIGNATURE,
    ),
    (|forged| forged.signature = |_| Vec::new(), WRONG_SIGNATURE),
    (|forged| forged.attributes = false, WRONG_SIGNATURE),
    (|forged| forged.digest = |_| vec![0; 32], WRONG_SIGNATURE),
    (
        // The time, an hour later.
        |forged| {
            forged.signed_content = |mut content| {
                let at = content.windows(4).position(|four| four == b"2213").unwrap();
                content[at + 1] = b'3';
                content
            };
        },
        WRONG_SIGNATURE,
    ),
    (
        |forged| forged.named = |_| vec![0; 32],
        "another certificate than it says",
    ),
    (
        |forged| {
            forged.hash.oid = ID_SHA_1;
            forged.digest = |content| Sha1::digest(content).to_vec();
        },
        "in a way that is not known here (1.3.14.3.2.26)",
    ),
    (
        |forged| forged.validity = around(NOW + 2 * DAY, DAY),
        "its certificate is not valid",
    ),
    (
        |forged| forged.validity = around(NOW.saturating_sub(2 * DAY), DAY),
        "its certificate is not valid",
    ),
    (
        |forged| {
            forged.time = time("20230914221320Z");
            forged.validity = around(NOW, 300 * DAY);
        },
        "the test certificate is not valid",
    ),
    (
        |forged| forged.time = time("20231314221320Z"),
        "can't be read",
    ),
];

#[test]
fn each_false_response_is_refused_with_its_reason() {
    for (number, (forge, expected)) in FORGERIES.into_iter().enumerate() {
        let refused = accepted(forge).expect_err(expected);
        assert!(refused.contains(expected), "response {number}: {refused}");
    }
}

#[test]
fn no_shortened_or_changed_response_is_accepted() {
    let question = Question::about(SIGNATURE).unwrap();
    let whole = valid_response(&question.request().to_der().unwrap());
    let validity = around(NOW, DAY);
    for length in 0..whole.len() {
        let shortened = token::of_response(&whole[..length], &question, &validity);
        assert!(shortened.is_err(), "{length} bytes");
    }
    let token = token::of_response(&whole, &question, &validity).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        // Only what is not signed may differ, such as the certificate's own signature.
        if let Ok(other) = token::of_response(&changed, &question, &validity) {
            assert_eq!(signed_part(&other), signed_part(&token), "byte {at}");
        }
    }
}

fn signed_part(token: &Any) -> Vec<u8> {
    let message: cms::content_info::ContentInfo = token.decode_as().unwrap();
    let signed: cms::signed_data::SignedData = message.content.decode_as().unwrap();
    signed.encap_content_info.to_der().unwrap()
}

/// Starts a server for one request. `respond` returns the header lines and the body of the response
/// to the request's body.
fn serve(respond: fn(&[u8]) -> (String, Vec<u8>)) -> Address {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        for line in reader.by_ref().lines().map(Result::unwrap) {
            let line = line.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (head, content) = respond(&body);
        // The client may have closed the connection by then.
        drop(stream.write_all(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes()));
        drop(stream.write_all(&content));
    });
    address.parse().unwrap()
}

/// Returns the header lines of a good response.
fn head(content: &[u8]) -> String {
    format!(
        "200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}",
        content.len()
    )
}

fn stamped_by(address: Address, time_limit: Duration) -> Result<Any, String> {
    let authority = Authority {
        address,
        time_limit,
    };
    authority
        .stamp(SIGNATURE, &around(NOW, DAY))
        .map_err(|error| format!("{error:#}"))
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn an_authority_is_asked_over_http() {
    let address = serve(|request| {
        let response = valid_response(request);
        (head(&response), response)
    });
    let token = stamped_by(address, LONG).unwrap();
    assert!(cms::content_info::ContentInfo::from_der(&token.to_der().unwrap()).is_ok());
}

#[test]
fn a_bad_http_response_is_refused_with_what_to_do() {
    type Respond = fn(&[u8]) -> (String, Vec<u8>);
    let cases: [(Respond, &str); 10] = [
        (
            |_| ("404 Not Found\r\nContent-Length: 0".to_owned(), Vec::new()),
            "HTTP status 404",
        ),
        (
            |request| {
                let response = valid_response(request);
                (head(&response).replace("200 OK", "500 Sorry"), response)
            },
            "HTTP status 500",
        ),
        (
            |_| {
                let elsewhere = "302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0";
                (elsewhere.to_owned(), Vec::new())
            },
            "HTTP status 302",
        ),
        (
            |_| {
                let head = head(&[]);
                let html = head.replace("application/timestamp-reply", "text/html; charset=utf-8");
                (html, Vec::new())
            },
            "\"text/html\"",
        ),
        (
            |request| {
                let response = valid_response(request);
                let head = head(&response).replace("timestamp-reply", "octet-stream");
                (head, response)
            },
            "\"application/octet-stream\"",
        ),
        (|_| (head(&[]), Vec::new()), "can't be read"),
        (
            |_| {
                let long = vec![0x30; 64 * 1024 + 1];
                (head(&long), long)
            },
            "longer than any",
        ),
        (
            // Without a length: the body ends with the connection.
            |_| {
                let lines = "200 OK\r\nContent-Type: application/timestamp-reply";
                (lines.to_owned(), vec![0x30; 1 << 20])
            },
            "longer than any",
        ),
        (
            |request| {
                let response = valid_response(request);
                let half = response[..response.len() / 2].to_vec();
                (head(&response), half)
            },
            "no response came",
        ),
        (|_| ("nonsense".to_owned(), Vec::new()), "no response came"),
    ];
    for (respond, expected) in cases {
        let address = serve(respond);
        let refused = stamped_by(address.clone(), LONG).unwrap_err();
        assert!(refused.starts_with(&address.to_string()), "{refused}");
        assert!(refused.contains(expected), "{expected}: {refused}");
        assert!(refused.contains("--timestamp"), "{refused}");
    }
}

#[test]
fn an_absent_or_silent_authority_is_an_error_in_time() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = |address| format!("http://{address}/").parse().unwrap();
    let refused = stamped_by(url(address), LONG).unwrap_err();
    assert!(refused.contains("no response came"), "{refused}");

    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let silent = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        // Until the client closes the connection.
        let _ = stream.read_to_end(&mut all);
    });
    let refused = stamped_by(url(address), Duration::from_millis(50)).unwrap_err();
    assert!(refused.contains("timeout"), "{refused}");
    // If the time limit ended before the client had connected, this ends the thread.
    drop(TcpStream::connect(address));
    silent.join().unwrap();
}

#[test]
fn a_bad_address_is_refused_at_once() {
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
