//! Limits of what a caller can hold: handles, and the pages of an output.

#![forbid(unsafe_code)]

use ringcopy_client::{
    OpenAccess, PAGE_LENGTH, Transport,
    protocol::{
        CODES, MAXIMUM_HANDLES, MAXIMUM_LENGTH, Method, NtStatus, Reach, RequestKind, validate,
    },
};
use ringcopy_lab::Options;
use ringcopy_tests::{Victim, boot, boot_with, buffer, completion, options, privileged};

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
    let full = Err(NtStatus::TOO_MANY_OPENED_FILES);
    for process in [&mut one, &mut other] {
        assert_eq!(completion(process.open(OpenAccess::Read)), full);
    }
    // A refused open does not count, and a closed handle no longer does.
    let last = handles.pop().unwrap();
    other.close(last).unwrap();
    let again = one.open(OpenAccess::Read).unwrap();
    assert_eq!(completion(other.open(OpenAccess::Read)), full);
    one.close(again).unwrap();
    // Nor do the handles of a process that ended.
    drop(one);
    let mut third = privileged(&lab);
    for _ in 0..=MAXIMUM_HANDLES / 2 {
        let _ = third.open(OpenAccess::Read).unwrap();
    }
    assert_eq!(completion(third.open(OpenAccess::Read)), full);
}

/// The driver maps no output that is longer than any response.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_output_that_no_response_fills_is_refused() {
    let lab = boot_with(Options {
        memory: 512,
        ..options(Reach::empty())
    });
    let mut victim = Victim::of(privileged(&lab));
    let output = victim
        .process
        .allocate(MAXIMUM_LENGTH + PAGE_LENGTH)
        .unwrap();
    // The I/O manager allocates buffered output itself, and the lab has less memory than that.
    for code in CODES.iter().filter(|code| code.method != Method::Buffered) {
        let (input, _) = victim.write_good(code.kind);
        let before = match code.kind {
            RequestKind::CopyBatch | RequestKind::CopyScatter => validate::results_end(2),
            _ => code.response_length,
        };
        let longest = usize::try_from(MAXIMUM_LENGTH).unwrap() + before;
        let mut send = |length| victim.send_at(code.value, input, buffer(output, length));
        let refused = Err(NtStatus::INVALID_BUFFER_SIZE);
        assert_eq!(send(longest + 1), refused, "{}", code.name);
        assert!(send(longest).is_ok(), "{}", code.name);
    }
    victim.assert_works();
}
