//! Requests with one field that is invalid. Each is refused with the status that names the reason,
//! and changes nothing.

#![forbid(unsafe_code)]

use std::fmt::Debug;

use ringcopy_client::protocol::{
    CallerCopyRequest, Code, CopyFlags, CopyMemoryRequest, CopyThroughRequest, DEVICE_PAGE_LENGTH,
    DeviceCopyRequest, DeviceDirection, MAXIMUM_LENGTH, NtStatus, Reach, RequestKind,
    SESSION_LENGTH,
};
use ringcopy_tests::{LENGTH, Victim, pattern, with_victim};
use zerocopy::{Immutable, IntoBytes};

/// No powers of two.
const BAD_ALIGNMENTS: [u32; 6] = [0, 3, 6, 12, 0x8000_0001, u32::MAX];

const BAD_LENGTHS: [u64; 4] = [MAXIMUM_LENGTH + 1, 1 << 32, 1 << 63, u64::MAX];

/// Values beyond the last one of a field.
const fn beyond(last: u32) -> [u32; 3] {
    [last + 1, 0x8000_0000, u32::MAX]
}

/// Sends requests of a kind, all of which have to be refused with `status`.
fn refuse<R: Debug + IntoBytes + Immutable>(
    victim: &mut Victim<'_>,
    kind: RequestKind,
    status: NtStatus,
    requests: impl IntoIterator<Item = R>,
) {
    for request in requests {
        refuse_with(victim, kind, status, &request, (0, 0));
    }
}

/// Sends a request that is followed by a payload, with a longer output than its response.
fn refuse_with<R: Debug + IntoBytes + Immutable>(
    victim: &mut Victim<'_>,
    kind: RequestKind,
    status: NtStatus,
    request: &R,
    (payload, more_output): (usize, usize),
) {
    let input = [request.as_bytes(), &pattern(4, payload)].concat();
    let what = format!("{request:x?} with {payload} and {more_output} bytes");
    let output = Victim::output_length(kind) + more_output;
    victim.assert_refused(&what, Code::of(kind).value, &input, output, status);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn fields_of_caller_copies() {
    with_victim(Reach::empty(), |victim| {
        for (kind, address) in [
            (RequestKind::CopyFrom, victim.source),
            (RequestKind::CopyTo, victim.destination),
        ] {
            let good = victim.caller_copy(address);
            let alignments =
                BAD_ALIGNMENTS.map(|alignment| CallerCopyRequest { alignment, ..good });
            refuse(victim, kind, NtStatus::INVALID_PARAMETER, alignments);
            let modes = beyond(1).map(|mode| CallerCopyRequest { mode, ..good });
            refuse(victim, kind, NtStatus::INVALID_PARAMETER, modes);
            let ranges = [
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
            ];
            let ranges = ranges.map(|(session_offset, length)| CallerCopyRequest {
                session_offset,
                length,
                ..good
            });
            refuse(victim, kind, NtStatus::INVALID_BUFFER_SIZE, ranges);
            let misaligned = (1..13).map(|power| CallerCopyRequest {
                address: address + (1 << power) / 2,
                alignment: 1 << power,
                ..good
            });
            refuse(victim, kind, NtStatus::DATATYPE_MISALIGNMENT, misaligned);
            let addresses = victim.bad_addresses().map(|address| CallerCopyRequest {
                address,
                alignment: 1,
                ..good
            });
            refuse(victim, kind, NtStatus::ACCESS_VIOLATION, addresses);
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn fields_of_copies_through_the_driver() {
    with_victim(Reach::empty(), |victim| {
        let kind = RequestKind::CopyThrough;
        let good = victim.copy_through();
        let alignments = BAD_ALIGNMENTS.map(|alignment| CopyThroughRequest { alignment, ..good });
        refuse(victim, kind, NtStatus::INVALID_PARAMETER, alignments);
        let modes = beyond(1).map(|mode| CopyThroughRequest { mode, ..good });
        refuse(victim, kind, NtStatus::INVALID_PARAMETER, modes);
        let lengths = BAD_LENGTHS.map(|length| CopyThroughRequest { length, ..good });
        refuse(victim, kind, NtStatus::INVALID_BUFFER_SIZE, lengths);
        let sources = victim.bad_addresses().map(|source| CopyThroughRequest {
            source,
            alignment: 1,
            ..good
        });
        refuse(victim, kind, NtStatus::ACCESS_VIOLATION, sources);
        let addresses = victim.bad_addresses();
        let destinations = addresses.map(|destination| CopyThroughRequest {
            destination,
            ..good
        });
        refuse(victim, kind, NtStatus::ACCESS_VIOLATION, destinations);
        let source = good.source + 4;
        let misaligned = CopyThroughRequest { source, ..good };
        refuse(victim, kind, NtStatus::DATATYPE_MISALIGNMENT, [misaligned]);
    });
}

/// Sends a device copy of [`LENGTH`] bytes between these offsets.
fn refuse_device_copy(
    victim: &mut Victim<'_>,
    status: NtStatus,
    direction: DeviceDirection,
    (source_offset, destination_offset): (u32, u32),
) {
    let request = DeviceCopyRequest {
        source_offset,
        destination_offset,
        ..Victim::device_copy(direction)
    };
    let lengths = match direction {
        DeviceDirection::ToDevice => (LENGTH, 0),
        DeviceDirection::FromDevice => (0, LENGTH),
        DeviceDirection::Within => (0, 0),
    };
    refuse_with(victim, RequestKind::DeviceCopy, status, &request, lengths);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn offsets_of_device_copies() {
    with_victim(Reach::empty(), |victim| {
        use DeviceDirection::{FromDevice, ToDevice, Within};
        let status = NtStatus::INVALID_PARAMETER;
        refuse_device_copy(victim, status, ToDevice, (1, 0));
        refuse_device_copy(victim, status, FromDevice, (0, 1));
        for overlapping in [(0, 0), (0, 63), (63, 0), (2000, 2001)] {
            refuse_device_copy(victim, status, Within, overlapping);
        }
        let page = DEVICE_PAGE_LENGTH;
        for offset in [page - 63, page, page + 1, u32::MAX - 63, u32::MAX] {
            let status = NtStatus::INVALID_BUFFER_SIZE;
            refuse_device_copy(victim, status, ToDevice, (0, offset));
            refuse_device_copy(victim, status, FromDevice, (offset, 0));
            refuse_device_copy(victim, status, Within, (0, offset));
            refuse_device_copy(victim, status, Within, (offset, 0));
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn directions_and_lengths_of_device_copies() {
    with_victim(Reach::empty(), |victim| {
        let to = Victim::device_copy(DeviceDirection::ToDevice);
        let from = Victim::device_copy(DeviceDirection::FromDevice);
        let within = Victim::device_copy(DeviceDirection::Within);
        let mut refuse = |status, request: DeviceCopyRequest, lengths| {
            refuse_with(victim, RequestKind::DeviceCopy, status, &request, lengths);
        };
        for direction in [0, 4, 0x8000_0000, u32::MAX] {
            let request = DeviceCopyRequest { direction, ..to };
            refuse(NtStatus::INVALID_PARAMETER, request, (LENGTH, 0));
        }
        let mismatch = NtStatus::INFO_LENGTH_MISMATCH;
        for payload in [0, LENGTH - 1, LENGTH + 1] {
            refuse(mismatch, to, (payload, 0));
        }
        for without_payload in [from, within] {
            refuse(mismatch, without_payload, (1, LENGTH));
        }
        for length in [1, DEVICE_PAGE_LENGTH, u32::MAX] {
            let request = DeviceCopyRequest { length, ..from };
            refuse(NtStatus::BUFFER_TOO_SMALL, request, (0, 0));
        }
        let length = DEVICE_PAGE_LENGTH + 1;
        let request = DeviceCopyRequest { length, ..from };
        let status = NtStatus::INVALID_BUFFER_SIZE;
        refuse(status, request, (0, length as usize));
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn fields_of_memory_copies() {
    with_victim(Reach::empty(), |victim| {
        let kind = RequestKind::CopyMemory;
        let good = victim.copy_memory();
        let flags = [0, 3, 4, 6, 0x8000_0001, u32::MAX];
        let flags = flags.map(|flags| CopyMemoryRequest { flags, ..good });
        refuse(victim, kind, NtStatus::INVALID_PARAMETER_4, flags);
        let engines = beyond(2).map(|engine| CopyMemoryRequest { engine, ..good });
        refuse(victim, kind, NtStatus::INVALID_PARAMETER, engines);
        let lengths = BAD_LENGTHS.map(|length| CopyMemoryRequest { length, ..good });
        refuse(victim, kind, NtStatus::INVALID_BUFFER_SIZE, lengths);
        let lengths = [LENGTH as u64 + 1, MAXIMUM_LENGTH];
        let lengths = lengths.map(|length| CopyMemoryRequest { length, ..good });
        refuse(victim, kind, NtStatus::BUFFER_TOO_SMALL, lengths);

        let limit = victim.information.user_limit;
        let at = |address| CopyMemoryRequest { address, ..good };
        let user = [0, limit - 1].map(at);
        refuse(victim, kind, NtStatus::ACCESS_VIOLATION, user);
        let system = [limit, 0x0000_8000_0000_0000, u64::MAX].map(at);
        refuse(victim, kind, NtStatus::ACCESS_DENIED, system);
        let last = u64::MAX;
        let physical = [0, 0x1000, 0xFEE0_0000, 1 << 51, 1 << 52, last - 8, last];
        let physical = physical.map(|address| CopyMemoryRequest {
            flags: CopyFlags::PHYSICAL.bits(),
            ..at(address)
        });
        refuse(victim, kind, NtStatus::ACCESS_DENIED, physical);
    });
}
