//! A request that changes while the driver reads it is judged, and carried out, as one or the other
//! of the things that it was: never judged as one and carried out as the other.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Buffer, Transport,
    protocol::{CODES, Code, Method, Reach, RequestKind},
};
use ringcopy_lab::Flicker;
use ringcopy_tests::{Outcome, Victim, boot, finish, outcome, privileged};

/// Requests that are sent of each kind and field at least, and at most.
const LEAST: u32 = 400;
const MOST: u32 = 100_000;

/// What a request came to: its outcome, and every byte of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    outcome: Outcome,
    response: Vec<u8>,
}

/// Sends the request that lies in the victim's request page, in the midst of `flicker` or in peace.
fn ask(victim: &mut Victim<'_>, code: &Code, length: usize, flicker: Option<&Flicker>) -> Answer {
    let mut response = vec![0xEE; Victim::room(code.kind)];
    victim.process.write(victim.response, &response).unwrap();
    let buffer = |address, length| Buffer {
        address,
        length: u32::try_from(length).unwrap(),
    };
    let input = buffer(victim.request, length);
    let output = buffer(victim.response, response.len());
    let (process, handle) = (&mut victim.process, victim.handle);
    let came = match flicker {
        Some(flicker) => process.device_io_control_amid(flicker, handle, code.value, input, output),
        None => process.device_io_control_at(handle, code.value, input, output),
    };
    let outcome = outcome(came);
    process.read(victim.response, &mut response).unwrap();
    Answer { outcome, response }
}

/// Sends the request while its byte at `offset` goes back and forth between good and bad.
fn flicker(victim: &mut Victim<'_>, code: &Code, offset: usize) {
    let good = victim.good(code.kind);
    let mut bad = good.clone();
    bad[offset] ^= 0xFF;
    let mut answer_to = |request: &[u8]| {
        victim.process.write(victim.request, request).unwrap();
        ask(victim, code, request.len(), None)
    };
    let (if_bad, if_good) = (answer_to(&bad), answer_to(&good));
    assert_ne!(
        if_good, if_bad,
        "{}: byte {offset} means nothing",
        code.name
    );

    let address = victim.request + offset as u64;
    let flicker = Flicker {
        address: victim.process.physical_address(address).unwrap().unwrap(),
        values: [bad[offset], good[offset]],
    };
    let (mut goods, mut bads) = (0_u32, 0_u32);
    for round in 0..MOST {
        if round >= LEAST && goods > 0 && bads > 0 {
            break;
        }
        let answer = ask(victim, code, good.len(), Some(&flicker));
        if answer == if_good {
            goods += 1;
        } else {
            assert_eq!(answer, if_bad, "{}: byte {offset}", code.name);
            bads += 1;
        }
    }
    assert!(
        goods > 0 && bads > 0,
        "{}: byte {offset}: {goods} good, {bads} bad",
        code.name
    );
}

/// Every field of requests of these kinds in turn.
fn flicker_all(kinds: impl IntoIterator<Item = RequestKind>) {
    let lab = boot(Reach::empty());
    let mut victim = Victim::of(privileged(&lab));
    for kind in kinds {
        // The topmost byte of every 32 bits: no good request has anything there but its
        // addresses, of which it makes others. Entries are part of it.
        for offset in (3..victim.good(kind).len()).step_by(4) {
            flicker(&mut victim, Code::of(kind), offset);
        }
    }
    victim.assert_works();
    drop(victim);
    finish(lab);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_request_is_carried_out_as_it_was_captured() {
    let neither = CODES.iter().filter(|code| code.method == Method::Neither);
    let kinds = neither.map(|code| code.kind);
    flicker_all(kinds.filter(|kind| *kind != RequestKind::CopyScatter));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn so_is_a_request_with_entries() {
    flicker_all([RequestKind::CopyScatter]);
}

/// The I/O manager captures these; the driver reads what it captured.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn so_is_a_request_that_the_system_captures() {
    flicker_all([RequestKind::CopyMemory, RequestKind::CopyBatch]);
}
