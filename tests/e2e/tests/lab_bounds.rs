//! Limits of what a caller can hold: handles, session buffers, and the pages of an output.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CallerCopy, Error, OpenAccess, PAGE_LENGTH, Source, Transport,
    protocol::{
        CODES, Code, EngineKind, MAXIMUM_HANDLES_VALUE, MAXIMUM_LENGTH, Method, NtStatus, Reach,
        RequestKind, SESSION_LENGTH, validate,
    },
};
use ringcopy_lab::{Beside, Count, Lab, Options, RegistryValue, token};
use ringcopy_tests::{
    CheckedLab, Victim, boot, boot_with, buffer, completion, open, options, privileged,
    with_two_processors, with_value,
};

/// A lab whose driver allows this many handles.
fn lab_with(maximum_handles: u32) -> CheckedLab {
    let value = RegistryValue::number(MAXIMUM_HANDLES_VALUE, maximum_handles);
    boot_with(with_value(value, options(Reach::empty())))
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn handles_are_capped_for_all_processes_together() {
    check_cap(&boot(Reach::empty()), 256);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_cap_on_handles_is_a_setting() {
    for maximum in [2, 20, 700] {
        check_cap(&lab_with(maximum), maximum);
    }
}

fn check_cap(lab: &Lab, maximum: u32) {
    let mut one = privileged(lab);
    let mut other = privileged(lab);
    let mut handles: Vec<_> = (0..maximum)
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
    let mut third = privileged(lab);
    assert_eq!(
        open(&mut third).information().unwrap().maximum_handles,
        maximum
    );
    for _ in 0..=maximum / 2 {
        let _ = third.open(OpenAccess::Read).unwrap();
    }
    assert_eq!(completion(third.open(OpenAccess::Read)), full);
}

/// A handle costs memory only when it is used for a copy through its session buffer.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_session_buffer_is_made_at_its_first_use() {
    let lab = boot(Reach::empty());
    let mut process = lab.process(token::ADMINISTRATORS).unwrap();
    let memory = process.allocate(PAGE_LENGTH).unwrap();
    let bytes = || lab.counts().unwrap().get(Count::PoolBytes);
    let before = bytes();
    let mut device = open(&mut process);
    let opened = bytes() - before;
    assert!(opened < PAGE_LENGTH, "{opened} bytes");
    device.information().unwrap();
    let mut read = [0; 64];
    let source = Source::Virtual(memory);
    let report = device.copy_memory(source, EngineKind::Auto, &mut read);
    assert!(report.unwrap().is_complete());
    assert_eq!(bytes() - before, opened);
    let copy = CallerCopy {
        address: memory,
        length: 64,
        session_offset: 5000,
        alignment: 1,
    };
    // The request that needs it fails where there is no memory for it, and the next one tries again.
    lab.fail_allocation(Some(0)).unwrap();
    let refused = device.copy_from(copy).unwrap_err();
    lab.fail_allocation(None).unwrap();
    let Error::Refused { status, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(status, NtStatus::INSUFFICIENT_RESOURCES);
    assert_eq!(bytes() - before, opened);
    assert!(device.copy_from(copy).unwrap().is_complete());
    assert_eq!(bytes() - before, opened + SESSION_LENGTH);
    assert!(device.copy_to(copy).unwrap().is_complete());
    assert_eq!(bytes() - before, opened + SESSION_LENGTH);
    drop(device);
    assert_eq!(bytes(), before);
}

/// Both processors are the first: there is one buffer afterwards, and none is lost.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn two_first_uses_at_once_make_one_session_buffer() {
    with_two_processors(Reach::empty(), &[false], |lab| {
        let mut victim = Victim::of(privileged(lab));
        let code = Code::of(RequestKind::CopyFrom).value;
        let input = victim.good(RequestKind::CopyFrom);
        let length = Victim::output_length(RequestKind::CopyFrom);
        let sides = [0, 1].map(|_| {
            let request = victim.process.allocate(PAGE_LENGTH).unwrap();
            let response = victim.process.allocate(PAGE_LENGTH).unwrap();
            victim.process.write(request, &input).unwrap();
            (buffer(request, input.len()), buffer(response, length))
        });
        let bytes = || lab.counts().unwrap().get(Count::PoolBytes);
        for _ in 0..300 {
            let before = bytes();
            let handle = victim.process.open(OpenAccess::ReadWrite).unwrap();
            let opened = bytes() - before;
            let ends = victim
                .process
                .device_io_control_on_both(handle, code, sides, 1, Beside::Same)
                .unwrap();
            for end in ends {
                assert_eq!((end.status, end.sent), (NtStatus::SUCCESS, 1));
            }
            assert_eq!(bytes() - before, opened + SESSION_LENGTH);
            victim.process.close(handle).unwrap();
            assert_eq!(bytes(), before);
        }
    });
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
