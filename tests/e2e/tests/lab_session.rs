//! The session buffer of a handle: whose it is, where it ends, and who is told its addresses.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CallerCopy, PAGE_LENGTH, Source, Transport,
    protocol::{EngineKind, NtStatus, Reach, RequestKind, SESSION_LENGTH},
};
use ringcopy_lab::token;
use ringcopy_tests::{LENGTH, Victim, boot, open, pattern, privileged};

/// The session buffer may be read by its addresses; the bytes around it may not.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_session_buffer_ends_where_it_ends() {
    let lab = boot(Reach::empty());
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    let information = device.information().unwrap();
    let page = PAGE_LENGTH;
    let virtually = [(information.session_address, information.session_length)];
    let pages = information.session_physical_addresses;
    let mut runs: Vec<(u64, u64)> = Vec::new();
    let mut sorted = pages;
    sorted.sort_unstable();
    for start in sorted {
        match runs.last_mut() {
            Some((base, length)) if *base + *length == start => *length += page,
            _ => runs.push((start, page)),
        }
    }
    assert!(
        runs.len() > 1,
        "the pages do not follow each other: {pages:x?}"
    );
    for (source, regions) in [
        (Source::Virtual as fn(u64) -> Source, virtually.as_slice()),
        (Source::Physical, &runs),
    ] {
        for &(base, length) in regions {
            let mut status = |offset: u64, bytes: usize| {
                let address = base.wrapping_add(offset);
                let mut target = vec![0; bytes];
                let report = device
                    .copy_memory(source(address), EngineKind::Auto, &mut target)
                    .unwrap();
                assert_eq!(report.result.stop_address(), None);
                report.result.status()
            };
            let whole = usize::try_from(length).unwrap();
            for (offset, bytes, expected) in [
                (0, 1, NtStatus::SUCCESS),
                (length - 1, 1, NtStatus::SUCCESS),
                (0, whole, NtStatus::SUCCESS),
                (1_u64.wrapping_neg(), 1, NtStatus::ACCESS_DENIED),
                (1_u64.wrapping_neg(), 2, NtStatus::ACCESS_DENIED),
                (length, 1, NtStatus::ACCESS_DENIED),
                (length - 1, 2, NtStatus::ACCESS_DENIED),
                (0, whole + 1, NtStatus::ACCESS_DENIED),
            ] {
                let what = format!("{:?}: {bytes} bytes at {offset:#x}", source(base));
                assert_eq!(status(offset, bytes), expected, "{what}");
            }
        }
    }
}

/// What an address is of, the driver tells only those who may read it anyway.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_handle_without_the_privilege_does_not_know_where_its_session_buffer_is() {
    let lab = boot(Reach::MEMORY);
    let mut teller = privileged(&lab);
    let told = open(&mut teller).information().unwrap();
    assert!(told.session_address > told.user_limit);
    assert!(
        told.session_physical_addresses
            .iter()
            .all(|&page| page != 0)
    );
    let mut process = lab.process(token::ADMINISTRATORS).unwrap();
    let memory = process.allocate(SESSION_LENGTH).unwrap();
    let length = usize::try_from(SESSION_LENGTH).unwrap();
    let mut device = open(&mut process);
    let information = device.information().unwrap();
    assert_eq!(information.session_address, 0);
    assert_eq!(information.session_physical_addresses, [0; 4]);
    assert_eq!(information.session_length, SESSION_LENGTH);
    let copy = CallerCopy::new(memory, SESSION_LENGTH);
    let bytes = pattern(41, length);
    device.transport().write(memory, &bytes).unwrap();
    assert!(device.copy_from(copy).unwrap().is_complete());
    // It does not find that out by trying, either: the right address is refused as any other is.
    let own = device.transport().physical_address(memory).unwrap();
    let holds = |page: &u64| lab.read_physical(*page, 64).unwrap() == bytes[..64];
    let mut pages = lab
        .ram_ranges()
        .unwrap()
        .into_iter()
        .flat_map(|range| (range.base..range.base + range.length).step_by(4096));
    let page = pages
        .find(|page| Some(*page) != own && holds(page))
        .unwrap();
    let mut found = vec![0; 64];
    let report = device
        .copy_memory(Source::Physical(page), EngineKind::Auto, &mut found)
        .unwrap();
    assert_eq!(report.result.status(), NtStatus::PRIVILEGE_NOT_HELD);
    assert_eq!(report.result.copied, 0);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_handle_has_a_session_buffer_of_its_own_which_starts_empty() {
    let lab = boot(Reach::empty());
    let mut process = privileged(&lab);
    let buffer = process.allocate(SESSION_LENGTH).unwrap();
    let length = usize::try_from(SESSION_LENGTH).unwrap();
    let copy = CallerCopy {
        alignment: 8,
        ..CallerCopy::new(buffer, SESSION_LENGTH)
    };
    for round in 0..3 {
        let mut one = Victim::of(privileged(&lab));
        let one_input = one.good(RequestKind::CopyFrom);
        let mut response = vec![0; Victim::output_length(RequestKind::CopyFrom)];
        let _ = one.send(RequestKind::CopyFrom, &one_input, &mut response);

        process.write(buffer, &pattern(round, length)).unwrap();
        let mut device = open(&mut process);
        assert!(device.copy_to(copy).unwrap().is_complete());
        let mut bytes = vec![1; length];
        device.transport().read(buffer, &mut bytes).unwrap();
        assert!(bytes.iter().all(|&byte| byte == 0), "round {round}");
        device
            .transport()
            .write(buffer, &pattern(round, length))
            .unwrap();
        assert!(device.copy_from(copy).unwrap().is_complete());

        let seen = lab
            .read_system(one.information.session_address, LENGTH as u64)
            .unwrap();
        assert_eq!(seen, pattern(1, 8192)[..LENGTH]);
    }
}
