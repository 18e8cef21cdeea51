//! Targets of scattered copies: that overlap, that lie over the request, that come and go.

#![forbid(unsafe_code)]

use ringcopy_client::{
    PAGE_LENGTH, Transport,
    protocol::{
        CallerCopyRequest, Code, CopyThroughRequest, Direction, EngineKind, NtStatus, Reach,
        RequestKind, ScatterEntry, validate,
    },
};
use ringcopy_lab::Interference;
use ringcopy_tests::{
    Victim, buffer,
    entries::{VIRTUAL, copy_scatter},
    pattern, privileged, scatter, with_two_processors, with_victim,
};
use zerocopy::IntoBytes;

/// Where targets overlap, they hold the later entry. Long entries are copied in pieces, in order.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn overlapping_targets_hold_the_last_entry() {
    with_victim(Reach::empty(), |victim| {
        let length = 50_000_u32;
        let source = victim.process.allocate(length.into()).unwrap();
        let target = victim.process.allocate(length.into()).unwrap();
        let bytes = pattern(21, length as usize);
        victim.process.write(source, &bytes).unwrap();
        let scattered = |offset: u64, at: u64, length: u32| ScatterEntry {
            source: source + offset,
            target: target + at,
            length,
            flags: VIRTUAL,
        };
        let entries = [
            scattered(0, 0, length),
            scattered(0, 100, 20_000),
            scattered(30_000, 90, 20),
        ];
        for result in copy_scatter(victim, EngineKind::Auto, &entries) {
            assert_eq!(result.status(), NtStatus::SUCCESS);
        }
        let mut expected = bytes.clone();
        expected[100..20_100].copy_from_slice(&bytes[..20_000]);
        expected[90..110].copy_from_slice(&bytes[30_000..30_020]);
        let mut found = vec![0; length as usize];
        victim.process.read(target, &mut found).unwrap();
        assert!(found == expected);
    });
}

/// The entries were captured before the first was served.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_target_over_the_request_does_no_harm() {
    with_victim(Reach::empty(), |victim| {
        let code = Code::of(RequestKind::CopyScatter);
        for target in [victim.request, victim.request + 16] {
            let entries: Vec<_> = (0..16)
                .map(|number| ScatterEntry {
                    source: victim.source,
                    target: target + number * 8,
                    length: 40,
                    flags: VIRTUAL,
                })
                .collect();
            let input = scatter(EngineKind::Auto, &entries);
            victim.process.write(victim.request, &input).unwrap();
            let length = validate::results_end(16);
            let request = buffer(victim.request, input.len());
            let response = buffer(victim.response, length);
            assert_eq!(victim.send_at(code.value, request, response), Ok(length));
        }
    });
}

/// A copy over its own response would spoil what the response says of it.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_target_over_the_response_is_refused() {
    with_victim(Reach::empty(), |victim| {
        let code = Code::of(RequestKind::CopyScatter).value;
        let results = validate::results_end(2) as u64;
        let first = ScatterEntry {
            source: victim.source,
            target: victim.destination,
            length: 40,
            flags: VIRTUAL,
        };
        let middle = victim.response + PAGE_LENGTH;
        for (offset, length, overlaps) in [
            (-40, 40, false),
            (-40, 41, true),
            (-1, 2, true),
            (0, 1, true),
            (8, 8, true),
            (results.cast_signed() - 1, 100, true),
            (results.cast_signed(), 100, false),
            (-1000, 2000, true),
            (8, 0, false),
        ] {
            let entry = ScatterEntry {
                target: middle.wrapping_add_signed(offset),
                length,
                ..first
            };
            let input = scatter(EngineKind::Auto, &[first, entry]);
            victim.process.write(victim.request, &input).unwrap();
            // The output is longer than the response, which alone is the driver's to write.
            let response = buffer(middle, 500);
            let request = buffer(victim.request, input.len());
            let what = format!("{length} bytes at {offset}");
            if overlaps {
                let refusal = NtStatus::CONFLICTING_ADDRESSES;
                victim.assert_refused_at(&what, code, request, response, refusal);
            } else {
                let sent = victim.send_at(code, request, response);
                assert_eq!(sent, Ok(validate::results_end(2)), "{what}");
            }
        }
    });
}

/// Ranges that end with the last address of all have it in common.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_last_address_is_compared_too() {
    with_victim(Reach::empty(), |victim| {
        let response = u64::MAX - 63;
        for (target, length, refusal) in [
            (u64::MAX, 1, NtStatus::CONFLICTING_ADDRESSES),
            (u64::MAX, 300, NtStatus::CONFLICTING_ADDRESSES),
            (response - 1, 2, NtStatus::CONFLICTING_ADDRESSES),
            (response - 1, 1, NtStatus::ACCESS_VIOLATION),
            (u64::MAX, 0, NtStatus::ACCESS_VIOLATION),
        ] {
            let entry = ScatterEntry {
                source: victim.source,
                target,
                length,
                flags: VIRTUAL,
            };
            let input = scatter(EngineKind::Auto, &[entry]);
            victim.process.write(victim.request, &input).unwrap();
            let request = buffer(victim.request, input.len());
            let sent = victim.send_at(
                Code::of(RequestKind::CopyScatter).value,
                request,
                buffer(response, 100),
            );
            assert_eq!(sent, Err(refusal), "{length} bytes at {target:#x}");
        }
    });
}

/// So are the other copies to the caller's memory.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_copy_over_its_own_response_is_refused() {
    with_victim(Reach::empty(), |victim| {
        let good = victim.response + PAGE_LENGTH;
        let length = Victim::output_length(RequestKind::CopyTo);
        for offset in [-1, 0, 8, i64::try_from(length).unwrap() - 1] {
            let at = good.wrapping_add_signed(offset);
            let to = CallerCopyRequest {
                length: 2,
                ..victim.caller_copy(at)
            };
            let through = CopyThroughRequest {
                length: 2,
                destination: at,
                ..victim.copy_through()
            };
            for (kind, input) in [
                (RequestKind::CopyTo, to.as_bytes()),
                (RequestKind::CopyThrough, through.as_bytes()),
            ] {
                victim.process.write(victim.request, input).unwrap();
                victim.assert_refused_at(
                    &format!("{kind:?} at {offset}"),
                    Code::of(kind).value,
                    buffer(victim.request, input.len()),
                    buffer(good, length),
                    NtStatus::CONFLICTING_ADDRESSES,
                );
            }
        }
    });
}

/// The second processor unmaps and maps a target all the time.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn targets_that_come_and_go_leave_exact_counts() {
    with_two_processors(Reach::empty(), &[false], |lab| {
        let mut victim = Victim::of(privileged(lab));
        let pages = victim.process.allocate(2 * PAGE_LENGTH).unwrap();
        let changing = pages + PAGE_LENGTH;
        let entries: Vec<_> = (0..64)
            .map(|number| ScatterEntry {
                source: victim.source,
                target: changing - 600 + number,
                length: 1200,
                flags: VIRTUAL,
            })
            .collect();
        let (mut complete, mut stopped) = (0, 0);
        let lab = victim.process.lab();
        lab.start_interference(Some(&victim.process), changing, Interference::Unmap)
            .unwrap();
        for round in 0..2000 {
            if round >= 20 && complete > 0 && stopped > 0 {
                break;
            }
            for (entry, result) in
                entries
                    .iter()
                    .zip(copy_scatter(&mut victim, EngineKind::Auto, &entries))
            {
                if result.status == NtStatus::SUCCESS.0 {
                    complete += 1;
                    assert_eq!(result.copied, 1200);
                } else {
                    stopped += 1;
                    assert_eq!(result.status(), NtStatus::ACCESS_VIOLATION);
                    assert_eq!(result.direction, Direction::Write as u32);
                    let before = changing - entry.target;
                    assert!((before..1200).contains(&result.copied), "{result:?}");
                    assert_eq!(result.address, entry.target + result.copied);
                }
            }
        }
        lab.stop_interference().unwrap();
        assert!(
            complete > 0 && stopped > 0,
            "{complete} complete, {stopped} stopped"
        );
        victim.assert_works();
    });
}
