//! Requests that are cancelled before the driver gets them or while it works on them, and handles
//! that are closed while requests are under way.

#![forbid(unsafe_code)]

use ringcopy_client::{
    OpenAccess, PAGE_LENGTH, Transport,
    protocol::{CODES, Method, NtStatus, Reach},
};
use ringcopy_lab::{Beside, Interference, Lab, Sending};
use ringcopy_tests::{Victim, buffer, completion, privileged, until_it_happened, with_victim};

/// Runs `stage` with a victim in a lab of two processors.
fn with_two_processors(mut stage: impl FnMut(&Lab, &mut Victim<'_>)) {
    ringcopy_tests::with_two_processors(Reach::all(), &[false], |lab| {
        let mut victim = Victim::of(privileged(lab));
        stage(lab, &mut victim);
        victim.assert_works();
    });
}

/// Whether requests of a method wait in the queue. The others name memory of their caller, and are
/// served in its context.
fn is_queued(method: Method) -> bool {
    method == Method::Buffered
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_request_that_arrives_cancelled_is_ended_by_its_queue() {
    with_victim(Reach::all(), |victim| {
        for code in &CODES {
            let (input, output) = victim.write_good(code.kind);
            let (process, handle) = (&mut victim.process, victim.handle);
            let how = Sending {
                cancelled: true,
                ..Sending::default()
            };
            let sent = process.device_io_control_sent(how, handle, code.value, input, output);
            // A request that is not queued is done before its cancellation is looked at.
            let expected = if is_queued(code.method) {
                Err(NtStatus::CANCELLED)
            } else {
                Ok(output.length as usize)
            };
            assert_eq!(completion(sent), expected, "{:?}", code.kind);
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_that_are_cancelled_now_and_then_are_whole_or_cancelled() {
    with_two_processors(|lab, victim| {
        for code in &CODES {
            let (input, output) = victim.write_good(code.kind);
            until_it_happened(|| {
                lab.start_interference(None, 0, Interference::Cancel)
                    .unwrap();
                for _ in 0..500 {
                    let sent = victim.send_at(code.value, input, output);
                    let is_whole = sent == Ok(output.length as usize);
                    let is_cancelled = is_queued(code.method) && sent == Err(NtStatus::CANCELLED);
                    assert!(is_whole || is_cancelled, "{:?}: {sent:?}", code.kind);
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
            let length = Victim::output_length(code.kind);
            let sides = [0, 1].map(|_| {
                let request = victim.process.allocate(PAGE_LENGTH).unwrap();
                let response = victim.process.allocate(length as u64).unwrap();
                victim.process.write(request, &good).unwrap();
                (buffer(request, good.len()), buffer(response, length))
            });
            until_it_happened(|| {
                let handle = victim.process.open(OpenAccess::ReadWrite).unwrap();
                let [one, other] = victim
                    .process
                    .device_io_control_on_both(handle, code.value, sides, 300, Beside::UntilClosed)
                    .unwrap();
                assert_eq!((one.status, one.sent), (NtStatus::SUCCESS, 300));
                let [(request, response), _] = sides;
                let sent = victim
                    .process
                    .device_io_control_at(handle, code.value, request, response);
                assert_eq!(completion(sent), Err(NtStatus::INVALID_HANDLE));
                if other.sent == 0 {
                    return false;
                }
                assert_eq!(other.status, NtStatus::SUCCESS);
                let information = [one.returned, other.returned];
                assert_eq!(information, [length as u64; 2], "{:?}", code.kind);
                true
            });
        }
    });
}
