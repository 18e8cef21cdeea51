//! Requests that no honest client sends. Each is refused with the status that names the reason, and
//! changes nothing. The cases are made from the table of control codes.

#![forbid(unsafe_code)]

use std::mem::offset_of;

use ringcopy_client::{
    Buffer, PAGE_LENGTH, Transport,
    protocol::{
        CODES, CallerCopyRequest, Code, CopyMemoryRequest, CopyResponse, CopyThroughRequest,
        Header, MAXIMUM_LENGTH, Method, NtStatus, PROTOCOL_VERSION, Reach, RequestKind,
        SESSION_LENGTH,
    },
};
use ringcopy_lab::{Options, PageState};
use ringcopy_tests::{Victim, boot_with, buffer, options, pattern, privileged, with_victim};
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
            let mut refuse = |length: usize, output, status| {
                let mut input = good.clone();
                input.resize(length, 0);
                let what = format!("{}: {length} bytes in, {output} out", code.name);
                victim.assert_refused(&what, code.value, &input, output, status);
            };
            let output = Victim::output_length(code.kind);
            let longest = code.request_length + usize::try_from(code.payload.maximum()).unwrap();
            let short = [0, 1, 4, 7, code.request_length - 1];
            let long = [good.len() + 1, longest + 1, longest + 8, longest + 4096];
            for length in short.into_iter().chain(long) {
                refuse(length, output, NtStatus::INFO_LENGTH_MISMATCH);
            }
            let least = Victim::least_output_length(code.kind);
            for output in [0, 1, code.response_length - 1, least - 1] {
                refuse(good.len(), output, NtStatus::BUFFER_TOO_SMALL);
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
                let output = Victim::output_length(code.kind);
                victim.assert_refused(&what, code.value, &input, output, status);
            };
            for version in [
                0,
                1,
                PROTOCOL_VERSION - 1,
                PROTOCOL_VERSION + 1,
                1 << 24,
                u32::MAX,
            ] {
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
                    let output = Victim::output_length(code.kind);
                    let status = NtStatus::INVALID_DEVICE_REQUEST;
                    victim.assert_refused(&format!("{altered:#x}"), altered, &good, output, status);
                }
            }
        }
    });
}

/// An address for a request or response, and the status with which the request fails: with
/// `METHOD_NEITHER`, where the driver probes it, and otherwise, where the I/O manager does.
struct Spot {
    what: &'static str,
    address: u64,
    neither: NtStatus,
    otherwise: Option<NtStatus>,
}

impl Spot {
    const fn bad(what: &'static str, address: u64, status: NtStatus) -> Self {
        Self {
            what,
            address,
            neither: status,
            otherwise: Some(status),
        }
    }

    const fn misaligned(address: u64) -> Self {
        Self {
            what: "misaligned",
            address,
            neither: NtStatus::DATATYPE_MISALIGNMENT,
            otherwise: None,
        }
    }

    /// The alignment is checked before the range, so most spots for `METHOD_NEITHER` are aligned.
    const fn aligned(mut self, code: &Code) -> Self {
        if matches!(
            (code.method, self.neither),
            (Method::Neither, NtStatus::ACCESS_VIOLATION)
        ) {
            self.address &= !7;
        }
        self
    }

    /// Sends a request with a buffer here.
    fn check(&self, victim: &mut Victim<'_>, code: &Code, side: &str, buffers: [Buffer; 2]) {
        let what = format!("{}: {side} {} ({:#x})", code.name, self.what, self.address);
        let [input, output] = buffers;
        let expected = match code.method {
            Method::Neither => Some(self.neither),
            _ => self.otherwise,
        };
        if let Some(status) = expected {
            victim.assert_refused_at(&what, code.value, input, output, status);
        } else {
            let sent = victim.send_at(code.value, input, output);
            assert_eq!(sent, Ok(output.length as usize), "{what}");
        }
    }
}

/// Addresses that are bad for requests and for responses, whose memory ends at `end`.
fn bad_spots(victim: &mut Victim<'_>, end: u64) -> Vec<Spot> {
    let limit = victim.information.user_limit;
    let mut spots: Vec<_> = [
        ("the session buffer", victim.information.session_address),
        ("the first page of the system's half", 0xFFFF_8000_0000_0000),
        ("not canonical", 0x0000_8000_0000_0000),
        ("not canonical either", 0xFFFF_7FFF_FFFF_F000),
        ("at the limit", limit),
        ("across the limit", limit - 8 + 4),
        ("around the end", u64::MAX - 3),
        ("unmapped", end),
        ("half mapped", end - 4),
        ("no access", victim.page(PageState::NoAccess)),
    ]
    .map(|(what, address)| Spot::bad(what, address, NtStatus::ACCESS_VIOLATION))
    .into();
    let broken = victim.page(PageState::InPageError);
    spots.push(Spot::bad(
        "cannot be paged in",
        broken,
        NtStatus::IN_PAGE_ERROR,
    ));
    spots
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_in_bad_memory() {
    with_victim(Reach::empty(), |victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            let end = victim.request + PAGE_LENGTH;
            let mut spots = bad_spots(victim, end);
            let guarded = victim.page(PageState::Guard);
            let status = NtStatus::GUARD_PAGE_VIOLATION;
            spots.push(Spot::bad("guarded", guarded, status));
            spots.extend([1, 4].map(|offset| Spot::misaligned(victim.request + offset)));
            for spot in spots {
                let spot = spot.aligned(code);
                let mapped = end.saturating_sub(spot.address).min(good.len() as u64);
                if (victim.request..end).contains(&spot.address) {
                    let mapped = usize::try_from(mapped).unwrap();
                    victim.process.write(spot.address, &good[..mapped]).unwrap();
                }
                // A request of eight bytes that is rounded down to eight is whole.
                if spot.what == "half mapped" && mapped == good.len() as u64 {
                    continue;
                }
                let output = buffer(victim.response, Victim::output_length(code.kind));
                let input = buffer(spot.address, good.len());
                spot.check(victim, code, "request", [input, output]);
            }
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn responses_in_bad_memory() {
    with_victim(Reach::empty(), |victim| {
        for code in &CODES {
            let (input, output) = victim.write_good(code.kind);
            let mut spots = bad_spots(victim, victim.response + 2 * PAGE_LENGTH);
            let read_only = victim.page(PageState::ReadOnly);
            let status = NtStatus::ACCESS_VIOLATION;
            spots.push(Spot::bad("read-only", read_only, status));
            spots.extend([1, 4].map(|offset| Spot::misaligned(victim.response + offset)));
            for spot in spots {
                let spot = spot.aligned(code);
                let address = spot.address;
                let output = Buffer { address, ..output };
                spot.check(victim, code, "response", [input, output]);
            }
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn copies_of_no_bytes_access_no_memory() {
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
                let response = transfer(victim, kind, input);
                assert_eq!(response.result.status(), NtStatus::SUCCESS, "{address:#x}");
                assert_eq!((response.result.copied, response.asked), (0, 0));
            }
        }
    });
}

/// Sends a request that has to be carried out, and returns its response.
fn transfer(victim: &mut Victim<'_>, kind: RequestKind, input: &[u8]) -> CopyResponse {
    let mut output = vec![0; Code::of(kind).response_length];
    let returned = victim.send(kind, input, &mut output).unwrap();
    CopyResponse::read_from_bytes(&output[..returned]).unwrap()
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_caller_may_ask_for_the_strictest_rules() {
    with_victim(Reach::empty(), |victim| {
        let mut request = victim.caller_copy(victim.source);
        request.mode = 1;
        let response = transfer(victim, RequestKind::CopyFrom, request.as_bytes());
        assert_eq!(response.result.status(), NtStatus::SUCCESS);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_copy_longer_than_its_memory_stops_at_the_end() {
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
        let response = transfer(victim, RequestKind::CopyThrough, request.as_bytes());
        assert_eq!(response.result.status(), NtStatus::ACCESS_VIOLATION);
        assert_eq!(
            (response.result.copied, response.result.address),
            (5000, edge)
        );
        let mut arrived = vec![0; 5001];
        victim.process.read(destination, &mut arrived).unwrap();
        assert_eq!(arrived[..5000], pattern(1, 8192)[8192 - 5000..]);
        assert_eq!(arrived[5000], 0);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_longest_copies_are_carried_out() {
    let lab = boot_with(Options {
        memory: 512,
        ..options(Reach::empty())
    });
    let mut victim = Victim::of(privileged(&lab));
    let source = victim.process.allocate(MAXIMUM_LENGTH).unwrap();
    let target = victim
        .process
        .allocate(MAXIMUM_LENGTH + PAGE_LENGTH)
        .unwrap();
    let marks = || (0..64).map(|mark| mark * (MAXIMUM_LENGTH / 64) + 77 * mark);
    for mark in marks() {
        let bytes = pattern(mark, 64);
        victim.process.write(source + mark, &bytes).unwrap();
    }
    let check = |victim: &mut Victim<'_>, offset: u64| {
        for mark in marks() {
            let mut arrived = [0; 64];
            let address = target + offset + mark;
            victim.process.read(address, &mut arrived).unwrap();
            assert_eq!(arrived[..], pattern(mark, 64), "at {mark:#x}");
        }
    };
    let request = CopyThroughRequest {
        source,
        destination: target,
        length: MAXIMUM_LENGTH,
        ..victim.copy_through()
    };
    let response = transfer(&mut victim, RequestKind::CopyThrough, request.as_bytes());
    assert_eq!(response.result.status(), NtStatus::SUCCESS);
    assert_eq!(response.result.copied, MAXIMUM_LENGTH);
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
    let length = code.response_length + usize::try_from(MAXIMUM_LENGTH).unwrap();
    let input = buffer(victim.request, code.request_length);
    let sent = victim.send_at(code.value, input, buffer(target, length));
    assert_eq!(sent, Ok(length));
    check(&mut victim, code.response_length as u64);
}

/// Numbers near a limit of the driver or of the machine.
fn interesting(random: &mut impl FnMut() -> u64, victim: &Victim<'_>) -> u64 {
    let landmarks = [
        0,
        1,
        victim.source,
        victim.destination + PAGE_LENGTH,
        victim.request,
        victim.response + 2 * PAGE_LENGTH,
        victim.information.session_address,
        victim.information.session_physical_addresses[0],
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
fn random_requests() {
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
                    // With a good header, the driver validates the rest.
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
            let response = spot(
                &mut random,
                victim.response,
                Victim::output_length(code.kind),
            );
            // Any status will do: the driver goes on.
            let _ = victim.send_at(code.value, request, response);
        }
    });
}
