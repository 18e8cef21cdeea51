//! Every field at its limits. An accepted request is rebuilt, so that each field is known to be
//! kept, and every result is compared with the second opinion.

use std::iter;

use ringcopy_protocol::{CODES, Header, NtStatus, PROTOCOL_VERSION, RequestKind};
use zerocopy::IntoBytes;

use super::{Case, Validation, expected, validated};

const PARAMETER: Validation = Err(NtStatus::INVALID_PARAMETER);
const LENGTH: Validation = Err(NtStatus::INVALID_BUFFER_SIZE);
const MISMATCH: Validation = Err(NtStatus::INFO_LENGTH_MISMATCH);
const TOO_SMALL: Validation = Err(NtStatus::BUFFER_TOO_SMALL);

/// Values that no enumeration of the protocol has.
const INVALID_VALUES: [u64; 4] = [4, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFF];

/// The greatest length of one copy, and lengths over it.
const LONGEST: u64 = 0x400_0000;
const OVER_THE_LIMIT: [u64; 5] = [LONGEST + 1, 1 << 32, (1 << 32) + 64, 1 << 63, u64::MAX];

/// Any address and alignment is valid: that they are is for the copy to find.
const ADDRESSES: [(u64, u64); 4] = [(0, 0), (1, 3), (u64::MAX, 0xFFFF_FFFF), (1 << 63, 1 << 31)];

/// Returns a request with these fields, of 8 bytes each and then of 4, with `payload` bytes after it
/// and an output that can hold `capacity` bytes after the response.
pub fn case<const LONG: usize, const SHORT: usize>(
    kind: RequestKind,
    long: [u64; LONG],
    short: [u64; SHORT],
    (payload, capacity): (usize, u64),
) -> Case {
    let code = CODES.iter().position(|code| code.kind == kind).unwrap();
    let header = Header {
        version: PROTOCOL_VERSION,
        size: u32::try_from(CODES[code].request_length).unwrap(),
    };
    let mut input = [header.as_bytes(), long.as_bytes()].concat();
    for field in short {
        input.extend(u32::try_from(field).unwrap().to_le_bytes());
    }
    assert_eq!(input.len(), CODES[code].request_length);
    input.resize(input.len() + payload, 0);
    Case {
        code: code as u64,
        output: CODES[code].response_length as u64 + capacity,
        input,
    }
}

/// Validates such a request, and compares the result with the second opinion.
fn result_of<const LONG: usize, const SHORT: usize>(
    kind: RequestKind,
    long: [u64; LONG],
    short: [u64; SHORT],
    spaces: (usize, u64),
) -> Validation {
    let case = case(kind, long, short, spaces);
    let result = validated(&case);
    assert_eq!(result, expected(&case), "{case:X?}");
    result
}

#[test]
fn a_caller_copy_ends_within_the_session_buffer() {
    for kind in [RequestKind::CopyFrom, RequestKind::CopyTo] {
        let with =
            |(offset, length), mode| result_of(kind, [0x1_0003, length, offset], [8, mode], (0, 0));
        for part in [(32, 64), (0, 0x4000), (0x3FFF, 1), (0x4000, 0), (0, 0)] {
            assert_eq!([0, 1].map(|mode| with(part, mode)), [Ok(56); 2]);
        }
        for part in [
            (0, 0x4001),
            (1, 0x4000),
            (0x4000, 1),
            (0x4001, 0),
            (1 << 32, 0),
            (0, 1 << 32),
            (1, u64::MAX),
            (u64::MAX, 1),
            (u64::MAX, u64::MAX),
            (1 << 63, 1 << 63),
        ] {
            assert_eq!(with(part, 1), LENGTH, "{part:X?}");
        }
        // The mode is checked first.
        for mode in [2, 3].into_iter().chain(INVALID_VALUES) {
            assert_eq!(
                [(32, 64), (1, u64::MAX)].map(|part| with(part, mode)),
                [PARAMETER; 2]
            );
        }
        for (address, alignment) in ADDRESSES {
            let result = result_of(kind, [address, 64, 32], [alignment, 1], (0, 0));
            assert_eq!(result, Ok(56));
        }
    }
}

#[test]
fn a_copy_through_the_driver_is_at_most_64_mib_long() {
    let kind = RequestKind::CopyThrough;
    let with = |length, mode| result_of(kind, [0x1_0000, 0x2_0001, length], [16, mode], (0, 0));
    for length in [0, 64, LONGEST] {
        assert_eq!([0, 1].map(|mode| with(length, mode)), [Ok(56); 2]);
    }
    for length in OVER_THE_LIMIT {
        assert_eq!(with(length, 0), LENGTH, "{length:#x}");
    }
    // The mode is checked first.
    for mode in [2, 3].into_iter().chain(INVALID_VALUES) {
        assert_eq!(
            [64, u64::MAX].map(|length| with(length, mode)),
            [PARAMETER; 2]
        );
    }
    for (source, alignment) in ADDRESSES {
        let result = result_of(kind, [source, !source, 64], [alignment, 0], (0, 0));
        assert_eq!(result, Ok(56));
    }
}

#[test]
fn a_copy_of_memory_fits_its_output() {
    let kind = RequestKind::CopyMemory;
    let address = 0xFFFF_8000_0000_0007;
    let with =
        |length, engine, capacity| result_of(kind, [address, length], [2, engine], (0, capacity));
    for (length, engine, capacity, expected) in [
        (64, 0, 64, Ok(120)),
        (64, 1, 64, Ok(120)),
        (64, 2, 64, Ok(120)),
        (0, 1, LONGEST, Ok(56)),
        (LONGEST, 1, LONGEST, Ok(56 + LONGEST)),
        (1, 1, 0, TOO_SMALL),
        (64, 1, 63, TOO_SMALL),
        (LONGEST, 1, LONGEST - 1, TOO_SMALL),
        // The engine is checked before the length, and the length before the output.
        (u64::MAX, 3, 0, PARAMETER),
        (u64::MAX, 0, 0, LENGTH),
        (64, 0, 0, TOO_SMALL),
        (64, 3, 64, PARAMETER),
    ] {
        assert_eq!(with(length, engine, capacity), expected, "{length:#x}");
    }
    for engine in INVALID_VALUES {
        assert_eq!(with(64, engine, 64), PARAMETER);
    }
    for length in OVER_THE_LIMIT {
        assert_eq!(with(length, 1, LONGEST), LENGTH, "{length:#x}");
        assert_eq!(with(length, 1, u64::MAX - 56), LENGTH, "{length:#x}");
    }
    for (flags, address) in [(0, 0), (3, 1), (4, 1 << 63), (0xFFFF_FFFF, u64::MAX)] {
        let result = result_of(kind, [address, 64], [flags, 1], (0, 64));
        assert_eq!(result, Ok(120));
    }
}

#[test]
fn the_reserved_field_of_a_request_for_ranges_is_zero() {
    let with = |first, reserved, capacity| {
        result_of(
            RequestKind::MemoryRanges,
            [],
            [first, reserved],
            (0, capacity),
        )
    };
    for reserved in [1, 0x8000_0000, 0xFFFF_FFFF] {
        assert_eq!(with(0, reserved, 48), PARAMETER);
    }
    // The output limits the number of ranges.
    for (capacity, ranges) in [(0, 0), (15, 0), (16, 1), (31, 1), (32, 2)] {
        assert_eq!(with(2, 0, capacity), Ok(16 + 16 * ranges));
        assert_eq!(with(7, 0, capacity), Ok(16));
    }
}

const TO: u64 = 1;
const FROM: u64 = 2;
const WITHIN: u64 = 3;

/// Validates a device copy: direction, the offsets of source and destination, length.
fn device(direction: u64, (from, to): (u64, u64), length: u64, spaces: (usize, u64)) -> Validation {
    result_of(
        RequestKind::DeviceCopy,
        [],
        [direction, length, from, to],
        spaces,
    )
}

/// Validates a device copy with exactly the payload and the output that it needs.
fn fitting(direction: u64, offsets: (u64, u64), length: u64) -> Validation {
    let spaces = match direction {
        TO => (usize::try_from(length).unwrap(), 0),
        FROM => (0, length),
        _ => (0, 0),
    };
    device(direction, offsets, length, spaces)
}

#[test]
fn a_device_copy_stays_within_the_page() {
    assert_eq!(fitting(TO, (0, 24), 5), Ok(56));
    assert_eq!(fitting(FROM, (24, 0), 5), Ok(61));
    assert_eq!(fitting(WITHIN, (24, 32), 5), Ok(56));
    for direction in iter::once(0).chain(INVALID_VALUES) {
        assert_eq!(fitting(direction, (0, 0), 0), PARAMETER);
    }
    // An unused offset is zero.
    for offset in [1, 0x8000_0000, 0xFFFF_FFFF] {
        assert_eq!(fitting(TO, (offset, 0), 8), PARAMETER);
        assert_eq!(fitting(FROM, (0, offset), 8), PARAMETER);
    }
    for (offset, length) in [(0, 4097), (1, 4096), (4096, 1), (4097, 0), (0xFFFF_FFFF, 1)] {
        assert_eq!(fitting(FROM, (offset, 0), length), LENGTH);
        // A longer payload is refused before.
        let expected = if length > 4096 { MISMATCH } else { LENGTH };
        assert_eq!(fitting(TO, (0, offset), length), expected);
    }
    for (offset, length) in [(0, 4096), (4095, 1), (4096, 0)] {
        assert_eq!(fitting(FROM, (offset, 0), length), Ok(56 + length));
        assert_eq!(fitting(TO, (0, offset), length), Ok(56));
    }
    for offsets in [(0, 4033), (4033, 0), (0, 0xFFFF_FFFF), (0xFFFF_FFFF, 0)] {
        assert_eq!(fitting(WITHIN, offsets, 64), LENGTH);
    }
    // Parts that overlap are refused.
    for (from, to, length) in [(0, 0, 1), (0, 63, 64), (63, 0, 64), (9, 9, 4096)] {
        assert_eq!(fitting(WITHIN, (from, to), length), PARAMETER);
    }
    for (from, to, length) in [(0, 64, 64), (64, 0, 64), (9, 9, 0), (0, 2048, 2048)] {
        assert_eq!(fitting(WITHIN, (from, to), length), Ok(56));
    }
}

#[test]
fn a_device_copy_has_the_payload_and_the_output_of_its_direction() {
    for payload in [0, 7, 9, 4096] {
        assert_eq!(device(TO, (0, 0), 8, (payload, 0)), MISMATCH, "{payload}");
    }
    for direction in [FROM, WITHIN] {
        for payload in [1, 8] {
            assert_eq!(device(direction, (64, 0), 8, (payload, 8)), MISMATCH);
        }
    }
    for (length, capacity) in [(1, 0), (8, 7), (4096, 4095), (0xFFFF_FFFF, 4096)] {
        assert_eq!(device(FROM, (0, 0), length, (0, capacity)), TOO_SMALL);
    }
    // Each request fails one check and all that come after it.
    for (direction, offsets, payload, expected) in [
        (9, (1, 1), 1, PARAMETER),
        (FROM, (1, 1), 1, PARAMETER),
        (FROM, (1, 0), 1, MISMATCH),
        (FROM, (1, 0), 0, TOO_SMALL),
        (WITHIN, (1, 1), 0, PARAMETER),
    ] {
        assert_eq!(device(direction, offsets, 9000, (payload, 0)), expected);
    }
}
