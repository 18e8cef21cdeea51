//! How much of the system's a caller can tie up: handles, and the pages of an output.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Buffer, OpenAccess, PAGE_LENGTH, Transport,
    protocol::{
        CODES, MAXIMUM_HANDLES, MAXIMUM_LENGTH, Method, NtStatus, Reach, RequestKind, judge,
    },
};
use ringcopy_lab::{Lab, Options};
use ringcopy_tests::{Outcome, Victim, boot, finish, options, outcome, privileged};

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn handles_are_capped_for_all_processes_together() {
    let lab = boot(Reach::empty());
    let mut one = privileged(&lab);
    let mut other = privileged(&lab);
    let mut handles: Vec<_> = (0..MAXIMUM_HANDLES)
        .map(|number| {
            let process = if number % 2 == 0 {
                &mut one
            } else {
                &mut other
            };
            process.open(OpenAccess::ReadWrite).unwrap()
        })
        .collect();
    let full = Outcome::Refused(NtStatus::TOO_MANY_OPENED_FILES);
    for process in [&mut one, &mut other] {
        let refused = process.open(OpenAccess::Read).map(|_| 0);
        assert_eq!(outcome(refused), full);
    }
    // A refused open takes no place, and a closed handle gives one back.
    let last = handles.pop().unwrap();
    other.close(last).unwrap();
    let again = one.open(OpenAccess::Read).unwrap();
    assert_eq!(outcome(other.open(OpenAccess::Read).map(|_| 0)), full);
    one.close(again).unwrap();
    // A process that ends gives all of its places back.
    drop(one);
    let mut third = privileged(&lab);
    for _ in 0..=MAXIMUM_HANDLES / 2 {
        let _ = third.open(OpenAccess::Read).unwrap();
    }
    assert_eq!(outcome(third.open(OpenAccess::Read).map(|_| 0)), full);
    drop((other, third));
    finish(lab);
}

/// What the I/O manager locks and the driver would map, it does not map where no response is so
/// long.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_output_that_no_response_fills_is_refused() {
    let lab = Lab::boot(Options {
        memory: 512,
        ..options(Reach::empty())
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let mut victim = Victim::of(privileged(&lab));
    let output = victim
        .process
        .allocate(MAXIMUM_LENGTH + PAGE_LENGTH)
        .unwrap();
    // Buffered output is the I/O manager's own memory, of which the lab has not as much.
    for code in CODES.iter().filter(|code| code.method != Method::Buffered) {
        let input = victim.good(code.kind);
        victim.process.write(victim.request, &input).unwrap();
        let before = match code.kind {
            RequestKind::CopyBatch | RequestKind::CopyScatter => judge::results_end(2),
            _ => code.response_length,
        };
        let longest = u32::try_from(MAXIMUM_LENGTH).unwrap() + u32::try_from(before).unwrap();
        let mut send = |length| {
            let handle = victim.handle;
            let (request, room) = (
                Buffer {
                    address: victim.request,
                    length: u32::try_from(input.len()).unwrap(),
                },
                Buffer {
                    address: output,
                    length,
                },
            );
            let control = victim
                .process
                .device_io_control_at(handle, code.value, request, room);
            outcome(control)
        };
        let refused = Outcome::Refused(NtStatus::INVALID_BUFFER_SIZE);
        assert_eq!(send(longest + 1), refused, "{}", code.name);
        assert!(matches!(send(longest), Outcome::Done(_)), "{}", code.name);
    }
    victim.assert_works();
    drop(victim);
    finish(lab);
}
