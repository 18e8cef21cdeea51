//! Memory that runs out, and drivers that are loaded and unloaded: the status is precise, and nothing
//! is left allocated.

#![forbid(unsafe_code)]

use std::mem;

use ringcopy_client::{
    OpenAccess, Transport,
    protocol::{CODES, CopyResponse, EngineKind, NtStatus, Reach},
};
use ringcopy_lab::{Count, Counts, Lab, LabError, Process};
use ringcopy_tests::{Victim, boot, boot_with, completion, open, options, privileged, with_engine};
use zerocopy::FromBytes;

/// More allocations than a load, an open or a request makes.
const ENOUGH: u64 = 64;

#[track_caller]
fn assert_no_leak(leaks: &[String]) {
    assert_eq!(leaks, Vec::<String>::new());
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn loading_fails_cleanly_wherever_pool_runs_out() {
    let lab = boot_with(with_engine(EngineKind::System, options(Reach::all())));
    assert_no_leak(&lab.unload().unwrap());
    let unloaded = lab.counts().unwrap();
    let mut failures = 0;
    for after in 0..ENOUGH {
        lab.fail_allocation(Some(after)).unwrap();
        let status = lab.load().unwrap();
        lab.fail_allocation(None).unwrap();
        if status == NtStatus::SUCCESS {
            assert_settings(&lab, after);
            assert_no_leak(&lab.unload().unwrap());
        } else {
            failures += 1;
            assert_eq!(
                status,
                NtStatus::INSUFFICIENT_RESOURCES,
                "allocation {after}"
            );
        }
        assert_same(&lab, unloaded, &format!("allocation {after}"));
    }
    assert!(failures > 0, "loading allocates nothing?");
    assert_eq!(lab.load().unwrap(), NtStatus::SUCCESS);
    Victim::of(privileged(&lab)).assert_works();
}

/// Checks that a loaded driver follows its settings.
#[track_caller]
fn assert_settings(lab: &Lab, after: u64) {
    let mut process = privileged(lab);
    let information = open(&mut process).information().unwrap();
    assert_eq!(information.policy, Reach::all(), "allocation {after}");
    let native = information.native_status;
    assert_eq!(native, NtStatus::NOT_SUPPORTED, "allocation {after}");
}

/// Checks that the lab's counts are as before, except for that of exceptions.
#[track_caller]
fn assert_same(lab: &Lab, before: Counts, what: &str) {
    let now = lab.counts().unwrap();
    for count in [
        Count::PoolAllocations,
        Count::PoolBytes,
        Count::Handles,
        Count::Devices,
        Count::LockedPages,
        Count::Requests,
        Count::Reservations,
    ] {
        assert_eq!(now.get(count), before.get(count), "{count:?} after {what}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn opening_fails_cleanly_wherever_pool_runs_out() {
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let before = lab.counts().unwrap();
    let mut failures = 0;
    for after in 0..ENOUGH {
        lab.fail_allocation(Some(after)).unwrap();
        let opened = completion(process.open(OpenAccess::ReadWrite));
        lab.fail_allocation(None).unwrap();
        match opened {
            Ok(handle) => process.close(handle).unwrap(),
            Err(status) => {
                failures += 1;
                assert_eq!(
                    status,
                    NtStatus::INSUFFICIENT_RESOURCES,
                    "allocation {after}"
                );
            }
        }
        assert_same(&lab, before, &format!("allocation {after}"));
    }
    assert!(failures > 0, "opening allocates nothing?");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_fail_cleanly_wherever_pool_runs_out() {
    let lab = boot(Reach::all());
    let mut victim = Victim::of(privileged(&lab));
    // The first of each kind allocates the client's own memory.
    victim.assert_works();
    let before = lab.counts().unwrap();
    let mut failures = 0;
    for code in &CODES {
        let input = victim.good(code.kind);
        for after in 0..ENOUGH {
            let mut output = vec![0; Victim::output_length(code.kind)];
            lab.fail_allocation(Some(after)).unwrap();
            let sent = victim.send(code.kind, &input, &mut output);
            lab.fail_allocation(None).unwrap();
            let what = format!("{}, allocation {after}", code.name);
            match sent {
                Err(status) => {
                    failures += 1;
                    assert_eq!(status, NtStatus::INSUFFICIENT_RESOURCES, "{what}");
                }
                Ok(returned) => {
                    assert_eq!(returned, output.len(), "{what}");
                    if let Ok((response, _)) = CopyResponse::read_from_prefix(&output)
                        && code.response_length == size_of::<CopyResponse>()
                    {
                        assert_eq!(response.result.status(), NtStatus::SUCCESS, "{what}");
                    }
                }
            }
            assert_same(&lab, before, &what);
        }
    }
    assert!(failures > 0, "requests allocate nothing?");
    victim.assert_works();
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn repeated_loads_leave_nothing_allocated() {
    let lab = boot(Reach::all());
    assert_no_leak(&lab.unload().unwrap());
    let unloaded = lab.counts().unwrap();
    for round in 0..20 {
        assert_eq!(lab.load().unwrap(), NtStatus::SUCCESS);
        Victim::of(privileged(&lab)).assert_works();
        assert_no_leak(&lab.unload().unwrap());
        assert_same(&lab, unloaded, &format!("round {round}"));
    }
    assert_eq!(lab.load().unwrap(), NtStatus::SUCCESS);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn handles_cost_nothing_once_closed() {
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let before = lab.counts().unwrap();
    for _ in 0..200 {
        let handle = process.open(OpenAccess::ReadWrite).unwrap();
        process.close(handle).unwrap();
    }
    assert_same(&lab, before, "200 handles in turn");
    let handles: Vec<_> = (0..32)
        .map(|_| process.open(OpenAccess::Read).unwrap())
        .collect();
    for handle in handles {
        process.close(handle).unwrap();
    }
    assert_same(&lab, before, "32 handles at once");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_process_that_ends_takes_its_handles_along() {
    let lab = boot(Reach::all());
    let before = lab.counts().unwrap();
    for _ in 0..10 {
        let mut victim = Victim::of(privileged(&lab));
        victim.process.open(OpenAccess::Read).unwrap();
        victim.assert_works();
    }
    assert_same(&lab, before, "ten processes");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_open_handle_keeps_the_driver() {
    let lab = boot(Reach::all());
    let mut process: Process<'_> = privileged(&lab);
    let handle = process.open(OpenAccess::Read).unwrap();
    let refused = lab.unload().unwrap_err();
    assert!(
        matches!(
            refused,
            LabError::Refused {
                status: NtStatus::INVALID_DEVICE_REQUEST,
                ..
            }
        ),
        "{refused}"
    );
    process.close(handle).unwrap();
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
#[should_panic(expected = "INVALID_DEVICE_REQUEST")]
fn a_handle_that_is_left_open_fails_its_test() {
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let _ = process.open(OpenAccess::Read).unwrap();
    mem::forget(process);
}
