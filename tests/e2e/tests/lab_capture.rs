//! Requests that change while the driver reads them. The driver validates the same bytes that it
//! carries out.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Transport,
    protocol::{CODES, Code, Method, NtStatus, Reach, RequestKind},
};
use ringcopy_lab::{Flicker, Sending};
use ringcopy_tests::{UNTOUCHED, Victim, buffer, completion, until_both, with_victim};

/// The fewest requests of each kind and field.
const LEAST: u32 = 400;

/// The completion of a request, and every byte of its output.
type Completed = (Result<usize, NtStatus>, Vec<u8>);

/// Sends the request in the victim's request page, with or without `flicker`.
fn send(
    victim: &mut Victim<'_>,
    code: &Code,
    length: usize,
    flicker: Option<&Flicker>,
) -> Completed {
    let mut bytes = vec![UNTOUCHED; Victim::output_length(code.kind)];
    victim.process.write(victim.response, &bytes).unwrap();
    let input = buffer(victim.request, length);
    let output = buffer(victim.response, bytes.len());
    let (process, handle) = (&mut victim.process, victim.handle);
    let how = Sending {
        flicker,
        ..Sending::default()
    };
    let sent = process.device_io_control_sent(how, handle, code.value, input, output);
    process.read(victim.response, &mut bytes).unwrap();
    (completion(sent), bytes)
}

/// Sends the request while its byte at `offset` changes between good and bad.
fn flicker(victim: &mut Victim<'_>, code: &Code, offset: usize) {
    let good = victim.good(code.kind);
    let mut bad = good.clone();
    bad[offset] ^= 0xFF;
    let [if_bad, if_good] = [&bad, &good].map(|request| {
        victim.process.write(victim.request, request).unwrap();
        send(victim, code, request.len(), None)
    });
    let what = format!("{}: byte {offset}", code.name);
    assert_ne!(if_good, if_bad, "{what} means nothing");

    let address = victim.request + offset as u64;
    let flicker = Flicker {
        address: victim.process.physical_address(address).unwrap().unwrap(),
        values: [bad[offset], good[offset]],
    };
    until_both(LEAST, || {
        let completed = send(victim, code, good.len(), Some(&flicker));
        assert!(
            completed == if_good || completed == if_bad,
            "{what}: {completed:?}"
        );
        completed == if_good
    });
}

/// Changes every field of requests of these kinds in turn.
fn flicker_all(kinds: impl IntoIterator<Item = RequestKind>) {
    with_victim(Reach::empty(), |victim| {
        for kind in kinds {
            // The highest byte of every 32 bits. In a good request it is zero, except in addresses,
            // which become others.
            for offset in (3..victim.good(kind).len()).step_by(4) {
                flicker(victim, Code::of(kind), offset);
            }
        }
    });
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

/// The I/O manager captures these requests for the driver.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn so_is_a_request_that_the_system_captures() {
    flicker_all([RequestKind::CopyMemory, RequestKind::CopyBatch]);
}
