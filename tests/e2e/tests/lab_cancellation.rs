//! Requests that are cancelled, before the driver sees them and while it is at work, and handles
//! that are closed while requests are under way.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Buffer, OpenAccess, PAGE_LENGTH, Transport,
    protocol::{CODES, Method, NtStatus, Reach},
};
use ringcopy_lab::{Lab, Options};
use ringcopy_tests::{
    Outcome, Victim, finish, options, outcome, privileged, until_it_happened, with_victim,
};

fn buffer(address: u64, length: usize) -> Buffer {
    Buffer {
        address,
        length: u32::try_from(length).unwrap(),
    }
}

/// Runs `stage` with a victim in a lab of two processors.
fn with_two_processors(stage: impl FnOnce(&Lab, &mut Victim<'_>)) {
    let lab = Lab::boot(Options {
        processors: 2,
        ..options(Reach::all())
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let mut victim = Victim::of(privileged(&lab));
    stage(&lab, &mut victim);
    victim.assert_works();
    drop(victim);
    finish(lab);
}

/// Whether requests of a method wait in the queue, however short: the others name memory of their
/// caller's, and are served in its context.
fn is_queued(method: Method) -> bool {
    method == Method::Buffered
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_request_that_arrives_cancelled_is_ended_by_its_queue() {
    with_victim(Reach::all(), |victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            let room = Victim::room(code.kind);
            victim.process.write(victim.request, &good).unwrap();
            let (request, response) = (victim.request, victim.response);
            let answer = outcome(victim.process.device_io_control_cancelled(
                victim.handle,
                code.value,
                buffer(request, good.len()),
                buffer(response, room),
            ));
            // What is not queued is done before anybody asks whether it still should be.
            let expected = if is_queued(code.method) {
                Outcome::Refused(NtStatus::CANCELLED)
            } else {
                Outcome::Done(room)
            };
            assert_eq!(answer, expected, "{:?}", code.kind);
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_that_are_cancelled_now_and_then_are_whole_or_cancelled() {
    with_two_processors(|lab, victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            let room = Victim::room(code.kind);
            victim.process.write(victim.request, &good).unwrap();
            let (request, response) = (victim.request, victim.response);
            until_it_happened(|| {
                lab.start_cancelling().unwrap();
                for _ in 0..500 {
                    let answer = outcome(victim.process.device_io_control_at(
                        victim.handle,
                        code.value,
                        buffer(request, good.len()),
                        buffer(response, room),
                    ));
                    assert!(
                        answer == Outcome::Done(room)
                            || is_queued(code.method)
                                && answer == Outcome::Refused(NtStatus::CANCELLED),
                        "{:?}: {answer:?}",
                        code.kind
                    );
                }
                lab.stop_interference().unwrap() > 0
            });
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_handle_is_closed_while_requests_are_under_way() {
    with_two_processors(|_, victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            let room = Victim::room(code.kind);
            let sides = [0, 1].map(|_| {
                let request = victim.process.allocate(PAGE_LENGTH).unwrap();
                let response = victim.process.allocate(room as u64).unwrap();
                victim.process.write(request, &good).unwrap();
                (buffer(request, good.len()), buffer(response, room))
            });
            until_it_happened(|| {
                let handle = victim.process.open(OpenAccess::ReadWrite).unwrap();
                let [one, other] = victim
                    .process
                    .close_amid_requests(handle, code.value, sides, 300)
                    .unwrap();
                assert_eq!((one.status, one.sent), (NtStatus::SUCCESS, 300));
                let [(request, response), _] = sides;
                let answer = victim
                    .process
                    .device_io_control_at(handle, code.value, request, response);
                assert_eq!(outcome(answer), Outcome::Refused(NtStatus::INVALID_HANDLE));
                if other.sent == 0 {
                    return false;
                }
                assert_eq!(other.status, NtStatus::SUCCESS);
                let information = [one.returned, other.returned];
                assert_eq!(information, [room as u64; 2], "{:?}", code.kind);
                true
            });
        }
    });
}
