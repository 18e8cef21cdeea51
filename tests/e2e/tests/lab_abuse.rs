//! Requests that no honest client sends: each is refused with the status that names why, changes
//! nothing, and leaves a driver that works. The cases are made from the table of control codes.

#![forbid(unsafe_code)]

use std::mem::offset_of;

use ringcopy_client::{
    Buffer, PAGE_LENGTH, Transport,
    protocol::{
        CODES, CallerCopyRequest, Code, CopyMemoryRequest, CopyThroughRequest, Header,
        MAXIMUM_LENGTH, Method, NtStatus, Reach, RequestKind, SESSION_LENGTH, TransferResponse,
    },
};
use ringcopy_lab::{Lab, Options, PageState};
use ringcopy_tests::{Outcome, Victim, finish, options, outcome, pattern, privileged, with_victim};
use zerocopy::{FromBytes, IntoBytes};

fn with_field(input: &[u8], offset: usize, value: u32) -> Vec<u8> {
    let mut input = input.to_vec();
    input[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    input
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn good_requests_are_carried_out() {
    with_victim(Reach::empty(), |_| {});
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn inputs_and_outputs_of_the_wrong_size() {
    with_victim(Reach::empty(), |victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            let room = Victim::room(code.kind);
            let refuse = |victim: &mut Victim<'_>, length: usize, room, status| {
                let mut input = good.clone();
                input.resize(length, 0);
                let what = format!("{}: {length} bytes in, {room} out", code.name);
                victim.assert_refused(&what, code.value, &input, room, status);
            };
            for short in [0, 1, 4, 7, code.request_length - 1] {
                refuse(victim, short, room, NtStatus::INFO_LENGTH_MISMATCH);
            }
            let longest = code.request_length + usize::try_from(code.maximum_payload).unwrap();
            for long in [good.len() + 1, longest + 1, longest + 8, longest + 4096] {
                refuse(victim, long, room, NtStatus::INFO_LENGTH_MISMATCH);
            }
            let least = Victim::least_room(code.kind);
            for room in [0, 1, code.response_length - 1, least - 1] {
                refuse(victim, good.len(), room, NtStatus::BUFFER_TOO_SMALL);
            }
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn headers_of_other_protocols() {
    with_victim(Reach::empty(), |victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            let size = u32::try_from(code.request_length).unwrap();
            let mut refuse = |field, offset, value, status| {
                let what = format!("{}: {field} {value:#x}", code.name);
                let input = with_field(&good, offset, value);
                let room = Victim::room(code.kind);
                victim.assert_refused(&what, code.value, &input, room, status);
            };
            for version in [0, 1, 3, 0x0100_0000, u32::MAX] {
                let offset = offset_of!(Header, version);
                refuse("version", offset, version, NtStatus::REVISION_MISMATCH);
            }
            for size in [0, size - 1, size + 1, size + 8, u32::MAX] {
                let offset = offset_of!(Header, size);
                refuse("size", offset, size, NtStatus::INFO_LENGTH_MISMATCH);
            }
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn codes_with_any_bit_altered() {
    with_victim(Reach::empty(), |victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            for altered in (0..u32::BITS).map(|bit| code.value ^ 1 << bit) {
                if Code::from_value(altered).is_none() {
                    let room = Victim::room(code.kind);
                    let status = NtStatus::INVALID_DEVICE_REQUEST;
                    victim.assert_refused(&format!("{altered:#x}"), altered, &good, room, status);
                }
            }
        }
    });
}

/// Where a request or response may lie, and what comes of it for `METHOD_NEITHER`, where the
/// driver looks, and otherwise, where the I/O manager does.
struct Spot {
    what: &'static str,
    address: u64,
    neither: Option<NtStatus>,
    otherwise: Option<NtStatus>,
}

const fn bad(what: &'static str, address: u64) -> Spot {
    bad_with(what, address, NtStatus::ACCESS_VIOLATION)
}

const fn bad_with(what: &'static str, address: u64, status: NtStatus) -> Spot {
    Spot {
        what,
        address,
        neither: Some(status),
        otherwise: Some(status),
    }
}

const fn misaligned(address: u64) -> Spot {
    Spot {
        what: "misaligned",
        address,
        neither: Some(NtStatus::DATATYPE_MISALIGNMENT),
        otherwise: None,
    }
}

/// Addresses that are bad wherever they turn up.
fn bad_spots(victim: &mut Victim<'_>, end: u64) -> Vec<Spot> {
    let limit = victim.information.user_limit;
    vec![
        bad("the session buffer", victim.information.session_address),
        bad("the first page of the system's half", 0xFFFF_8000_0000_0000),
        bad("not canonical", 0x0000_8000_0000_0000),
        bad("not canonical either", 0xFFFF_7FFF_FFFF_F000),
        bad("at the limit", limit),
        bad("across the limit", limit - 8 + 4),
        bad("around the end", u64::MAX - 3),
        bad("unmapped", end),
        bad("half mapped", end - 4),
        bad("no access", victim.page(PageState::NoAccess)),
        bad_with(
            "cannot be paged in",
            victim.page(PageState::InPageError),
            NtStatus::IN_PAGE_ERROR,
        ),
    ]
}

fn buffer(address: u64, length: usize) -> Buffer {
    Buffer {
        address,
        length: u32::try_from(length).unwrap(),
    }
}

/// `8-aligned` is checked before the range, so a spot for `METHOD_NEITHER` is rounded down.
const fn aligned(spot: &Spot, code: &Code) -> u64 {
    match (code.method, spot.neither) {
        (Method::Neither, Some(NtStatus::ACCESS_VIOLATION)) => spot.address & !7,
        _ => spot.address,
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_in_bad_memory() {
    with_victim(Reach::empty(), |victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            let end = victim.request + PAGE_LENGTH;
            let mut spots = bad_spots(victim, end);
            spots.push(bad_with(
                "guarded",
                victim.page(PageState::Guard),
                NtStatus::GUARD_PAGE_VIOLATION,
            ));
            spots.push(misaligned(victim.request + 1));
            spots.push(misaligned(victim.request + 4));
            for spot in spots {
                let address = aligned(&spot, code);
                let mapped = end.saturating_sub(address).min(good.len() as u64);
                if (victim.request..end).contains(&address) {
                    let mapped = usize::try_from(mapped).unwrap();
                    victim.process.write(address, &good[..mapped]).unwrap();
                }
                let expected = match code.method {
                    Method::Neither => spot.neither,
                    _ => spot.otherwise,
                };
                let room = Victim::room(code.kind);
                let (input, output) = (buffer(address, good.len()), buffer(victim.response, room));
                let what = format!("{}: request {} ({address:#x})", code.name, spot.what);
                // A request of eight bytes that is rounded down to eight is whole.
                if spot.what == "half mapped" && mapped == good.len() as u64 {
                    continue;
                }
                match expected {
                    Some(status) => {
                        victim.assert_refused_at(&what, code.value, input, output, status);
                    }
                    None => assert_done(victim, &what, code, input, output),
                }
            }
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn responses_in_bad_memory() {
    with_victim(Reach::empty(), |victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            victim.process.write(victim.request, &good).unwrap();
            let input = buffer(victim.request, good.len());
            let room = Victim::room(code.kind);
            let end = victim.response + 2 * PAGE_LENGTH;
            let mut spots = bad_spots(victim, end);
            spots.push(bad("read-only", victim.page(PageState::ReadOnly)));
            spots.push(misaligned(victim.response + 1));
            spots.push(misaligned(victim.response + 4));
            for spot in spots {
                let address = aligned(&spot, code);
                let output = buffer(address, room);
                let what = format!("{}: response {} ({address:#x})", code.name, spot.what);
                let expected = match code.method {
                    Method::Neither => spot.neither,
                    _ => spot.otherwise,
                };
                match expected {
                    Some(status) => {
                        victim.assert_refused_at(&what, code.value, input, output, status);
                    }
                    None => assert_done(victim, &what, code, input, output),
                }
            }
        }
    });
}

fn assert_done(victim: &mut Victim<'_>, what: &str, code: &Code, input: Buffer, output: Buffer) {
    let handle = victim.handle;
    let answer = victim
        .process
        .device_io_control_at(handle, code.value, input, output);
    assert_eq!(
        outcome(answer),
        Outcome::Done(usize::try_from(output.length).unwrap()),
        "{what}"
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn nothing_is_looked_at_for_no_bytes() {
    with_victim(Reach::empty(), |victim| {
        for address in victim.bad_addresses() {
            let from = CallerCopyRequest {
                length: 0,
                ..victim.caller_copy(address)
            };
            let through = CopyThroughRequest {
                source: address,
                destination: address,
                length: 0,
                ..victim.copy_through()
            };
            let memory = CopyMemoryRequest {
                address,
                length: 0,
                ..victim.copy_memory()
            };
            for (kind, input) in [
                (RequestKind::CopyFrom, from.as_bytes()),
                (RequestKind::CopyTo, from.as_bytes()),
                (RequestKind::CopyThrough, through.as_bytes()),
                (RequestKind::CopyMemory, memory.as_bytes()),
            ] {
                let response = transfer(victim, kind, input, 0);
                assert_eq!(NtStatus(response.status), NtStatus::SUCCESS, "{address:#x}");
                assert_eq!((response.copied, response.asked), (0, 0));
            }
        }
    });
}

/// Sends a request that has to be understood; what became of its copy is the answer.
fn transfer(
    victim: &mut Victim<'_>,
    kind: RequestKind,
    input: &[u8],
    payload: usize,
) -> TransferResponse {
    let mut output = vec![0; Code::of(kind).response_length + payload];
    match outcome(victim.send(kind, input, &mut output)) {
        Outcome::Done(returned) => {
            let (response, _) = TransferResponse::read_from_prefix(&output[..returned]).unwrap();
            response
        }
        Outcome::Refused(status) => panic!("{kind:?} was refused with {status}"),
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_caller_may_ask_for_the_strictest_rules() {
    with_victim(Reach::empty(), |victim| {
        let mut request = victim.caller_copy(victim.source);
        request.mode = 1;
        let response = transfer(victim, RequestKind::CopyFrom, request.as_bytes(), 0);
        assert_eq!(NtStatus(response.status), NtStatus::SUCCESS);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_length_far_beyond_the_memory_there_is_stops_where_that_ends() {
    with_victim(Reach::empty(), |victim| {
        let edge = victim.source + 2 * PAGE_LENGTH;
        let destination = victim.process.allocate(4 * PAGE_LENGTH).unwrap();
        let request = CopyThroughRequest {
            source: edge - 5000,
            destination,
            length: MAXIMUM_LENGTH,
            alignment: 1,
            ..victim.copy_through()
        };
        let response = transfer(victim, RequestKind::CopyThrough, request.as_bytes(), 0);
        assert_eq!(NtStatus(response.status), NtStatus::ACCESS_VIOLATION);
        assert_eq!((response.copied, response.address), (5000, edge));
        let mut arrived = vec![0; 5001];
        victim.process.read(destination, &mut arrived).unwrap();
        assert_eq!(arrived[..5000], pattern(1, 8192)[8192 - 5000..]);
        assert_eq!(arrived[5000], 0);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_longest_copies_are_carried_out() {
    let lab = Lab::boot(Options {
        memory: 512,
        ..options(Reach::empty())
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let mut victim = Victim::of(privileged(&lab));
    let source = victim.process.allocate(MAXIMUM_LENGTH).unwrap();
    let target = victim
        .process
        .allocate(MAXIMUM_LENGTH + PAGE_LENGTH)
        .unwrap();
    let marks: Vec<_> = (0..64)
        .map(|mark| mark * (MAXIMUM_LENGTH / 64) + 77 * mark)
        .collect();
    for &mark in &marks {
        victim
            .process
            .write(source + mark, &pattern(mark, 64))
            .unwrap();
    }
    let check = |victim: &mut Victim<'_>, offset: u64| {
        for &mark in &marks {
            let mut arrived = [0; 64];
            victim
                .process
                .read(target + offset + mark, &mut arrived)
                .unwrap();
            assert_eq!(arrived[..], pattern(mark, 64), "at {mark:#x}");
        }
    };
    let request = CopyThroughRequest {
        source,
        destination: target,
        length: MAXIMUM_LENGTH,
        ..victim.copy_through()
    };
    let response = transfer(&mut victim, RequestKind::CopyThrough, request.as_bytes(), 0);
    assert_eq!(NtStatus(response.status), NtStatus::SUCCESS);
    assert_eq!(response.copied, MAXIMUM_LENGTH);
    check(&mut victim, 0);

    victim.process.free(target).unwrap();
    let target_again = victim
        .process
        .allocate_at(target, MAXIMUM_LENGTH + PAGE_LENGTH)
        .unwrap();
    assert_eq!(target_again, target);
    let request = CopyMemoryRequest {
        address: source,
        length: MAXIMUM_LENGTH,
        ..victim.copy_memory()
    };
    victim
        .process
        .write(victim.request, request.as_bytes())
        .unwrap();
    let code = Code::of(RequestKind::CopyMemory);
    let room = code.response_length + usize::try_from(MAXIMUM_LENGTH).unwrap();
    let (input, output) = (
        buffer(victim.request, code.request_length),
        buffer(target, room),
    );
    assert_done(&mut victim, "64 MiB", code, input, output);
    check(&mut victim, code.response_length as u64);
    drop(victim);
    finish(lab);
}

/// Numbers that are likely to be somebody's limit.
fn interesting(random: &mut impl FnMut() -> u64, victim: &Victim<'_>) -> u64 {
    let landmarks = [
        0,
        1,
        victim.source,
        victim.destination + PAGE_LENGTH,
        victim.request,
        victim.response + 2 * PAGE_LENGTH,
        victim.information.session_address,
        victim.information.session_physical_address,
        victim.information.user_limit,
        SESSION_LENGTH,
        MAXIMUM_LENGTH,
        0xFEE0_0000,
        0x8000_0000_0000,
        1 << 52,
        u64::MAX,
    ];
    let index = usize::try_from(random() % landmarks.len() as u64).unwrap();
    landmarks[index].wrapping_add(random() % 17).wrapping_sub(8)
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn noise() {
    with_victim(Reach::all(), |victim| {
        let mut state = 0x5EED_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state >> 8
        };
        for _ in 0..4000 {
            let code = &CODES[usize::try_from(random() % CODES.len() as u64).unwrap()];
            let mut input = victim.good(code.kind);
            for _ in 0..random() % 4 {
                let fields = input.len() as u64 / 8;
                let field = usize::try_from(random() % fields).unwrap() * 8;
                let value = interesting(&mut random, victim);
                input[field..field + 8].copy_from_slice(&value.to_le_bytes());
                if random().is_multiple_of(2) {
                    // The header survives, so that what lies behind it is looked at.
                    let header = victim.good(code.kind);
                    input[..8].copy_from_slice(&header[..8]);
                }
            }
            victim.process.write(victim.request, &input).unwrap();
            let spot = |random: &mut dyn FnMut() -> u64, good: u64, length: usize| {
                let mut buffer = buffer(good, length);
                if random().is_multiple_of(8) {
                    buffer.address = interesting(&mut || random(), victim);
                }
                if random().is_multiple_of(8) {
                    buffer.length = u32::try_from(random() % 9000).unwrap();
                }
                buffer
            };
            let request = spot(&mut random, victim.request, input.len());
            let response = spot(&mut random, victim.response, Victim::room(code.kind));
            let handle = victim.handle;
            // Whatever it says, it says so and goes on.
            let _ = outcome(
                victim
                    .process
                    .device_io_control_at(handle, code.value, request, response),
            );
        }
    });
}
