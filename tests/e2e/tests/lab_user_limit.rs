//! The end of user memory is the system's: with five levels of page tables it is far above the
//! limit of four.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Buffer, CallerCopy, CopyThrough, PAGE_LENGTH, Source, Transport,
    protocol::{Code, Direction, EngineKind, NtStatus, Reach, RequestKind, SESSION_LENGTH},
};
use ringcopy_lab::{Options, PageState};
use ringcopy_tests::{
    CheckedLab, UNTOUCHED, Victim, boot_with, buffer, open, options, pattern, privileged,
};

/// The end of user memory, as the lab's kernel exports it.
const fn limit_of(five_levels: bool) -> u64 {
    if five_levels {
        0x00FF_FFFF_FFFF_0000
    } else {
        0x7FFF_FFFF_0000
    }
}

/// A lab, and two pages for each of these: the end of user memory and, with five levels, the
/// addresses above the limit of four.
fn boot(five_levels: bool) -> (CheckedLab, Vec<u64>) {
    let lab = boot_with(Options {
        five_levels,
        ..options(Reach::all())
    });
    let mut places = vec![limit_of(five_levels) - 2 * PAGE_LENGTH];
    if five_levels {
        places.extend([0x7FFF_FFFF_0000, 1 << 47, 0x55 << 48]);
    }
    (lab, places)
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn memory_up_to_the_systems_limit_is_the_callers() {
    for five_levels in [false, true] {
        let (lab, places) = boot(five_levels);
        let mut process = privileged(&lab);
        let low = process.allocate(2 * PAGE_LENGTH).unwrap();
        let length = 2 * PAGE_LENGTH - 3;
        for (place, seed) in places.into_iter().zip(1..) {
            process.allocate_at(place, 2 * PAGE_LENGTH).unwrap();
            let bytes = pattern(seed, usize::try_from(length).unwrap());
            process.write(place + 1, &bytes).unwrap();
            let mut device = open(&mut process);
            let information = device.information().unwrap();
            assert_eq!(information.user_limit, limit_of(five_levels));

            let copy = |address| CallerCopy::new(address, length);
            assert!(device.copy_from(copy(place + 1)).unwrap().is_complete());
            let session = lab.read_system(information.session_address, length);
            assert_eq!(session.unwrap(), bytes);
            for engine in [EngineKind::Native, EngineKind::System] {
                let mut found = vec![0; bytes.len()];
                let source = Source::Virtual(place + 1);
                let report = device.copy_memory(source, engine, &mut found).unwrap();
                assert!(report.is_complete(), "{report:?}");
                assert_eq!(found, bytes);
            }
            let through = |source, destination| CopyThrough {
                source,
                destination,
                length,
                alignment: 1,
            };
            assert!(
                device
                    .copy_through(through(place + 1, low))
                    .unwrap()
                    .is_complete()
            );
            assert!(
                device
                    .copy_through(through(low, place))
                    .unwrap()
                    .is_complete()
            );
            assert!(device.copy_to(copy(place + 2)).unwrap().is_complete());
            let mut found = vec![0; bytes.len() + 2];
            device.transport().read(place, &mut found).unwrap();
            assert_eq!(found[..2], bytes[..2]);
            assert_eq!(found[2..], bytes);

            // A fault is counted there as elsewhere.
            let unmapped = place + PAGE_LENGTH;
            let process = device.transport();
            process
                .set_pages(unmapped, PAGE_LENGTH, PageState::Unmapped)
                .unwrap();
            let report = device.copy_from(copy(place + 3)).unwrap();
            assert_eq!(report.result.status(), NtStatus::ACCESS_VIOLATION);
            assert_eq!(report.result.copied, PAGE_LENGTH - 3);
            assert_eq!(report.result.stop_address(), Some(unmapped));
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_last_byte_is_the_callers_and_the_next_is_not() {
    for five_levels in [false, true] {
        let (lab, places) = boot(five_levels);
        let limit = limit_of(five_levels);
        let mut process = privileged(&lab);
        process.allocate_at(places[0], 2 * PAGE_LENGTH).unwrap();
        let mut device = open(&mut process);
        let session = device.information().unwrap().session_address;
        let mut ends = |address, length| {
            let copy = CallerCopy::new(address, length);
            let before = lab.read_system(session, SESSION_LENGTH).unwrap();
            let from = device.copy_from(copy).unwrap().result;
            let changed = lab.read_system(session, SESSION_LENGTH).unwrap() != before;
            let to = device.copy_to(copy).unwrap().result;
            assert_eq!((from.status, from.copied), (to.status, to.copied));
            assert!(from.copied > 0 || !changed);
            (from.status(), from.copied)
        };
        assert_eq!(ends(limit - 1, 1), (NtStatus::SUCCESS, 1));
        assert_eq!(ends(limit - 100, 100), (NtStatus::SUCCESS, 100));
        for (address, length) in [
            (limit - 1, 2),
            (limit - 100, 101),
            (limit, 1),
            (limit + 0xFFFF, 1),
            (limit + 0x1_0000, 1),
        ] {
            let refused = (NtStatus::ACCESS_VIOLATION, 0);
            assert_eq!(ends(address, length), refused, "{address:#x}");
        }
    }
}

/// The requests and the responses themselves, and the targets of scattered copies.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_and_responses_may_lie_up_to_the_limit() {
    for five_levels in [false, true] {
        let (lab, places) = boot(five_levels);
        let limit = limit_of(five_levels);
        let mut victim = Victim::of(privileged(&lab));
        victim
            .process
            .allocate_at(places[0], 2 * PAGE_LENGTH)
            .unwrap();
        for kind in [
            RequestKind::CopyFrom,
            RequestKind::CopyTo,
            RequestKind::CopyThrough,
            RequestKind::CopyScatter,
        ] {
            let code = Code::of(kind);
            let input = victim.good(kind);
            let length = Victim::output_length(kind);
            let at = |end: u64, length: usize| buffer((end - length as u64) & !7, length);
            let request = at(limit - PAGE_LENGTH, input.len());
            victim.process.write(request.address, &input).unwrap();
            let response = at(limit, length);
            let output = vec![UNTOUCHED; length];
            victim.process.write(response.address, &output).unwrap();
            let sent = victim.send_at(code.value, request, response);
            assert_eq!(sent, Ok(length), "{kind:?}");
            // The same, one element further: the end is above the limit.
            let further = Buffer {
                address: limit - 8,
                ..response
            };
            victim.assert_refused_at(
                &kind.name(),
                code.value,
                request,
                further,
                NtStatus::ACCESS_VIOLATION,
            );
            let further = Buffer {
                address: limit - 8,
                ..request
            };
            victim.assert_refused_at(
                &kind.name(),
                code.value,
                further,
                response,
                NtStatus::ACCESS_VIOLATION,
            );
        }
        let mut entries = victim.scatter_entries();
        entries[0].target = limit - u64::from(entries[0].length);
        entries[1].target = limit + 1 - u64::from(entries[1].length);
        let results =
            ringcopy_tests::entries::copy_scatter(&mut victim, EngineKind::Auto, &entries);
        ringcopy_tests::entries::assert_result(
            &results[0],
            NtStatus::SUCCESS,
            entries[0].length.into(),
            Direction::None,
        );
        ringcopy_tests::entries::assert_result(
            &results[1],
            NtStatus::ACCESS_VIOLATION,
            0,
            Direction::Write,
        );
    }
}
