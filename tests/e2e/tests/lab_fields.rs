//! Requests with one field that makes no sense: each is refused with the status that names why, and
//! changes nothing.

#![forbid(unsafe_code)]

use ringcopy_client::protocol::{
    CallerCopyRequest, Code, CopyMemoryFlags, CopyMemoryRequest, CopyThroughRequest,
    DEVICE_PAGE_LENGTH, DeviceCopyRequest, DeviceDirection, MAXIMUM_LENGTH, NtStatus, Reach,
    RequestKind, SESSION_LENGTH,
};
use ringcopy_tests::{LENGTH, Victim, pattern, with_victim};
use zerocopy::{Immutable, IntoBytes};

/// A request that differs from a good one in one field, and what it has to be refused with.
struct Spoilt {
    what: String,
    kind: RequestKind,
    input: Vec<u8>,
    room: usize,
    status: NtStatus,
}

impl Spoilt {
    /// With so many bytes behind the request.
    fn with_payload(mut self, length: usize) -> Self {
        self.input.extend(pattern(4, length));
        self
    }

    /// With room for so many bytes behind the response.
    const fn with_room(mut self, length: usize) -> Self {
        self.room += length;
        self
    }
}

fn spoilt(
    what: impl Into<String>,
    kind: RequestKind,
    request: &(impl IntoBytes + Immutable),
    status: NtStatus,
) -> Spoilt {
    Spoilt {
        what: what.into(),
        kind,
        input: request.as_bytes().to_vec(),
        room: Victim::room(kind),
        status,
    }
}

/// No powers of two.
const BAD_ALIGNMENTS: [u32; 6] = [0, 3, 6, 12, 0x8000_0001, u32::MAX];

/// No value of a field with this many values, counted from `first`.
const fn beyond(last: u32) -> [u32; 3] {
    [last + 1, 0x8000_0000, u32::MAX]
}

fn spoilt_caller_copies(victim: &Victim<'_>) -> Vec<Spoilt> {
    let mut cases = Vec::new();
    for (kind, address) in [
        (RequestKind::CopyFrom, victim.source),
        (RequestKind::CopyTo, victim.destination),
    ] {
        let good = victim.caller_copy(address);
        for alignment in BAD_ALIGNMENTS {
            let request = CallerCopyRequest { alignment, ..good };
            let what = format!("alignment {alignment:#x}");
            cases.push(spoilt(what, kind, &request, NtStatus::INVALID_PARAMETER));
        }
        for mode in beyond(1) {
            let request = CallerCopyRequest { mode, ..good };
            let what = format!("mode {mode:#x}");
            cases.push(spoilt(what, kind, &request, NtStatus::INVALID_PARAMETER));
        }
        for (session_offset, length) in [
            (0, SESSION_LENGTH + 1),
            (0, MAXIMUM_LENGTH + 1),
            (0, u64::MAX),
            (1, SESSION_LENGTH),
            (1, u64::MAX),
            (64, u64::MAX - 63),
            (SESSION_LENGTH - 63, 64),
            (SESSION_LENGTH + 1, 0),
            (u64::MAX, 1),
            (u64::MAX, u64::MAX),
        ] {
            let request = CallerCopyRequest {
                session_offset,
                length,
                ..good
            };
            let what = format!("{length:#x} bytes at {session_offset:#x}");
            cases.push(spoilt(what, kind, &request, NtStatus::INVALID_BUFFER_SIZE));
        }
        for power in 1..13 {
            let alignment = 1 << power;
            let request = CallerCopyRequest {
                address: address + u64::from(alignment) / 2,
                alignment,
                ..good
            };
            let what = format!("misaligned for {alignment}");
            cases.push(spoilt(
                what,
                kind,
                &request,
                NtStatus::DATATYPE_MISALIGNMENT,
            ));
        }
        for address in victim.bad_addresses() {
            let request = CallerCopyRequest {
                address,
                alignment: 1,
                ..good
            };
            let what = format!("address {address:#x}");
            cases.push(spoilt(what, kind, &request, NtStatus::ACCESS_VIOLATION));
        }
    }
    cases
}

fn spoilt_copies_through(victim: &Victim<'_>) -> Vec<Spoilt> {
    let kind = RequestKind::CopyThrough;
    let good = victim.copy_through();
    let mut cases = Vec::new();
    for alignment in BAD_ALIGNMENTS {
        let request = CopyThroughRequest { alignment, ..good };
        let what = format!("alignment {alignment:#x}");
        cases.push(spoilt(what, kind, &request, NtStatus::INVALID_PARAMETER));
    }
    for mode in beyond(1) {
        let request = CopyThroughRequest { mode, ..good };
        let what = format!("mode {mode:#x}");
        cases.push(spoilt(what, kind, &request, NtStatus::INVALID_PARAMETER));
    }
    for length in [MAXIMUM_LENGTH + 1, 1 << 32, 1 << 63, u64::MAX] {
        let request = CopyThroughRequest { length, ..good };
        let what = format!("{length:#x} bytes");
        cases.push(spoilt(what, kind, &request, NtStatus::INVALID_BUFFER_SIZE));
    }
    for address in victim.bad_addresses() {
        for (side, request) in [
            (
                "source",
                CopyThroughRequest {
                    source: address,
                    alignment: 1,
                    ..good
                },
            ),
            (
                "destination",
                CopyThroughRequest {
                    destination: address,
                    ..good
                },
            ),
        ] {
            let what = format!("{side} {address:#x}");
            cases.push(spoilt(what, kind, &request, NtStatus::ACCESS_VIOLATION));
        }
    }
    let request = CopyThroughRequest {
        source: victim.source + 4,
        ..good
    };
    cases.push(spoilt(
        "misaligned",
        kind,
        &request,
        NtStatus::DATATYPE_MISALIGNMENT,
    ));
    cases
}

/// A device copy of [`LENGTH`] bytes between these offsets, refused with `status`.
fn device_copy(
    direction: DeviceDirection,
    (source_offset, destination_offset): (u32, u32),
    status: NtStatus,
) -> Spoilt {
    let request = DeviceCopyRequest {
        source_offset,
        destination_offset,
        ..Victim::device_copy(direction)
    };
    let what = format!("{direction:?} from {source_offset:#x} to {destination_offset:#x}");
    let case = spoilt(what, RequestKind::DeviceCopy, &request, status);
    match direction {
        DeviceDirection::ToDevice => case.with_payload(LENGTH),
        DeviceDirection::FromDevice => case.with_room(LENGTH),
        DeviceDirection::Within => case,
    }
}

fn device_copies_out_of_place() -> Vec<Spoilt> {
    let (to, from, within) = (
        DeviceDirection::ToDevice,
        DeviceDirection::FromDevice,
        DeviceDirection::Within,
    );
    let mut cases = vec![
        device_copy(to, (1, 0), NtStatus::INVALID_PARAMETER),
        device_copy(from, (0, 1), NtStatus::INVALID_PARAMETER),
    ];
    let page = DEVICE_PAGE_LENGTH;
    for offset in [page - 63, page, page + 1, u32::MAX - 63, u32::MAX] {
        let status = NtStatus::INVALID_BUFFER_SIZE;
        cases.extend([
            device_copy(to, (0, offset), status),
            device_copy(from, (offset, 0), status),
            device_copy(within, (0, offset), status),
            device_copy(within, (offset, 0), status),
        ]);
    }
    for offsets in [(0, 0), (0, 63), (63, 0), (2000, 2001)] {
        cases.push(device_copy(within, offsets, NtStatus::INVALID_PARAMETER));
    }
    cases
}

fn device_copies_out_of_shape() -> Vec<Spoilt> {
    let kind = RequestKind::DeviceCopy;
    let to = Victim::device_copy(DeviceDirection::ToDevice);
    let from = Victim::device_copy(DeviceDirection::FromDevice);
    let within = Victim::device_copy(DeviceDirection::Within);
    let mut cases = Vec::new();
    for direction in [0, 4, 0x8000_0000, u32::MAX] {
        let request = DeviceCopyRequest { direction, ..to };
        let what = format!("direction {direction:#x}");
        let case = spoilt(what, kind, &request, NtStatus::INVALID_PARAMETER);
        cases.push(case.with_payload(LENGTH));
    }
    for payload in [0, LENGTH - 1, LENGTH + 1] {
        let what = format!("{payload} bytes for {LENGTH}");
        let case = spoilt(what, kind, &to, NtStatus::INFO_LENGTH_MISMATCH);
        cases.push(case.with_payload(payload));
    }
    for request in [from, within] {
        let what = "bytes for nothing";
        let case = spoilt(what, kind, &request, NtStatus::INFO_LENGTH_MISMATCH);
        cases.push(case.with_payload(1).with_room(LENGTH));
    }
    for length in [1, DEVICE_PAGE_LENGTH, u32::MAX] {
        let request = DeviceCopyRequest { length, ..from };
        let what = format!("no room for {length}");
        cases.push(spoilt(what, kind, &request, NtStatus::BUFFER_TOO_SMALL));
    }
    let length = DEVICE_PAGE_LENGTH + 1;
    let request = DeviceCopyRequest { length, ..from };
    let case = spoilt("too long", kind, &request, NtStatus::INVALID_BUFFER_SIZE);
    cases.push(case.with_room(length as usize));
    cases
}

fn spoilt_memory_copies(victim: &Victim<'_>) -> Vec<Spoilt> {
    let kind = RequestKind::CopyMemory;
    let good = victim.copy_memory();
    let mut cases = Vec::new();
    for flags in [0, 3, 4, 6, 0x8000_0001, u32::MAX] {
        let request = CopyMemoryRequest { flags, ..good };
        let what = format!("flags {flags:#x}");
        cases.push(spoilt(what, kind, &request, NtStatus::INVALID_PARAMETER_4));
    }
    for engine in beyond(2) {
        let request = CopyMemoryRequest { engine, ..good };
        let what = format!("engine {engine:#x}");
        cases.push(spoilt(what, kind, &request, NtStatus::INVALID_PARAMETER));
    }
    for length in [MAXIMUM_LENGTH + 1, 1 << 32, 1 << 63, u64::MAX] {
        let request = CopyMemoryRequest { length, ..good };
        let what = format!("{length:#x} bytes");
        cases.push(spoilt(what, kind, &request, NtStatus::INVALID_BUFFER_SIZE));
    }
    for length in [LENGTH as u64 + 1, MAXIMUM_LENGTH] {
        let request = CopyMemoryRequest { length, ..good };
        let what = format!("no room for {length:#x}");
        cases.push(spoilt(what, kind, &request, NtStatus::BUFFER_TOO_SMALL));
    }
    let limit = victim.information.user_limit;
    for (address, status) in [
        (0, NtStatus::ACCESS_VIOLATION),
        (limit - 1, NtStatus::ACCESS_VIOLATION),
        (limit, NtStatus::ACCESS_DENIED),
        (0x0000_8000_0000_0000, NtStatus::ACCESS_DENIED),
        (u64::MAX, NtStatus::ACCESS_DENIED),
    ] {
        let request = CopyMemoryRequest { address, ..good };
        cases.push(spoilt(
            format!("address {address:#x}"),
            kind,
            &request,
            status,
        ));
    }
    for address in [
        0,
        0x1000,
        0xFEE0_0000,
        1 << 51,
        1 << 52,
        u64::MAX - 8,
        u64::MAX,
    ] {
        let request = CopyMemoryRequest {
            address,
            flags: CopyMemoryFlags::PHYSICAL.bits(),
            ..good
        };
        let what = format!("physical {address:#x}");
        cases.push(spoilt(what, kind, &request, NtStatus::ACCESS_DENIED));
    }
    cases
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn fields_that_make_no_sense() {
    with_victim(Reach::empty(), |victim| {
        let mut cases = spoilt_caller_copies(victim);
        cases.extend(spoilt_copies_through(victim));
        cases.extend(device_copies_out_of_shape());
        cases.extend(device_copies_out_of_place());
        cases.extend(spoilt_memory_copies(victim));
        for case in cases {
            let code = Code::of(case.kind);
            let what = format!("{}: {}", code.name, case.what);
            victim.assert_refused(&what, code.value, &case.input, case.room, case.status);
        }
    });
}
