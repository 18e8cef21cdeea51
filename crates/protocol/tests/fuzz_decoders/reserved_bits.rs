//! Bits that are zero in every valid request: those of reserved and unused fields, and those above
//! the greatest value of an enumeration or a limit.

use proptest::prelude::*;
use ringcopy_protocol::{
    BatchRequest, CallerCopyRequest, Code, CopyMemoryRequest, CopyThroughRequest,
    DeviceCopyRequest, Header, InformationRequest, MemoryRangesRequest, NtStatus, RequestKind,
    ScatterRequest,
};
use zerocopy::{Immutable, IntoBytes};

use super::{CODES, Case, validated};

/// A mask of reserved bits in the `u32` at an offset, and the status that they are refused with.
struct Reserved(usize, u32, NtStatus);

const MODE: u32 = !1;
const ENGINE: u32 = !3;
const DIRECTION: u32 = !3;
/// The session buffer has 2^14 bytes.
const SESSION: u32 = !0x7FFF;
/// One request copies up to 2^26 bytes.
const LENGTH: u32 = !0x7FF_FFFF;
/// The device page has 2^12 bytes.
const PAGE: u32 = !0x1FFF;
/// One request has up to 2^12 entries.
const ENTRIES: u32 = !0x1FFF;
const ALL: u32 = !0;

/// A valid request, and its reserved bits.
struct Sample {
    case: Case,
    reserved: Vec<Reserved>,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.case.fmt(f)
    }
}

fn sample(
    kind: RequestKind,
    request: &(impl IntoBytes + Immutable),
    (payload, capacity): (usize, usize),
    fields: impl IntoIterator<Item = Reserved>,
) -> Sample {
    let code = CODES.iter().position(|code| code.kind == kind).unwrap();
    let mut input = request.as_bytes().to_vec();
    input.resize(input.len() + payload, 0);
    let header = [
        Reserved(0, ALL, NtStatus::REVISION_MISMATCH),
        Reserved(4, ALL, NtStatus::INFO_LENGTH_MISMATCH),
    ];
    Sample {
        case: Case {
            code: code as u64,
            output: (Code::of(kind).response_length + capacity) as u64,
            input,
        },
        reserved: header.into_iter().chain(fields).collect(),
    }
}

/// Returns the halves of a `u64`.
const fn long(at: usize, low: u32, status: NtStatus) -> [Reserved; 2] {
    [Reserved(at, low, status), Reserved(at + 4, ALL, status)]
}

fn caller_copies() -> impl Strategy<Value = Sample> {
    let part = (0..=0x4000_u64).prop_flat_map(|length| (Just(length), 0..=0x4000 - length));
    let kinds = [RequestKind::CopyFrom, RequestKind::CopyTo];
    let kind = prop::sample::select(kinds.to_vec());
    (kind, part, any::<u64>(), any::<u32>(), 0..2_u32).prop_map(
        |(kind, (length, session_offset), address, alignment, mode)| {
            let request = CallerCopyRequest {
                header: Header::of::<CallerCopyRequest>(),
                address,
                length,
                session_offset,
                alignment,
                mode,
            };
            let fields = [Reserved(36, MODE, NtStatus::INVALID_PARAMETER)];
            let lengths = [16, 24].map(|at| long(at, SESSION, NtStatus::INVALID_BUFFER_SIZE));
            let fields = fields.into_iter().chain(lengths.into_iter().flatten());
            sample(kind, &request, (0, 0), fields)
        },
    )
}

fn copies_through() -> impl Strategy<Value = Sample> {
    let addresses = any::<[u64; 2]>();
    (addresses, 0..=0x400_0000_u64, any::<u32>(), 0..2_u32).prop_map(
        |([source, destination], length, alignment, mode)| {
            let request = CopyThroughRequest {
                header: Header::of::<CopyThroughRequest>(),
                source,
                destination,
                length,
                alignment,
                mode,
            };
            let fields = long(24, LENGTH, NtStatus::INVALID_BUFFER_SIZE)
                .into_iter()
                .chain([Reserved(36, MODE, NtStatus::INVALID_PARAMETER)]);
            sample(RequestKind::CopyThrough, &request, (0, 0), fields)
        },
    )
}

fn device_copies() -> impl Strategy<Value = Sample> {
    let part = (0..=2048_u32).prop_flat_map(|length| (Just(length), 0..=2048 - length));
    (1..4_u32, part).prop_map(|(direction, (length, offset))| {
        let (source_offset, destination_offset, payload, capacity) = match direction {
            1 => (0, offset + 2048, length, 0),
            2 => (offset + 2048, 0, 0, length),
            _ => (offset, offset + 2048, 0, 0),
        };
        let request = DeviceCopyRequest {
            header: Header::of::<DeviceCopyRequest>(),
            direction,
            length,
            source_offset,
            destination_offset,
        };
        let unused = |at| Reserved(at, ALL, NtStatus::INVALID_PARAMETER);
        let used = |at| Reserved(at, PAGE, NtStatus::INVALID_BUFFER_SIZE);
        let offsets = match direction {
            1 => [unused(16), used(20)],
            2 => [used(16), unused(20)],
            _ => [used(16), used(20)],
        };
        let direction = Reserved(8, DIRECTION, NtStatus::INVALID_PARAMETER);
        let fields = offsets.into_iter().chain([direction]);
        let lengths = (payload as usize, capacity as usize);
        sample(RequestKind::DeviceCopy, &request, lengths, fields)
    })
}

fn copies_of_memory() -> impl Strategy<Value = Sample> {
    (any::<u64>(), 0..=0x400_0000_u64, any::<u32>(), 0..3_u32).prop_map(
        |(address, length, flags, engine)| {
            let request = CopyMemoryRequest {
                header: Header::of::<CopyMemoryRequest>(),
                address,
                length,
                flags,
                engine,
            };
            let fields = long(16, LENGTH, NtStatus::INVALID_BUFFER_SIZE)
                .into_iter()
                .chain([Reserved(28, ENGINE, NtStatus::INVALID_PARAMETER)]);
            let capacity = usize::try_from(length).unwrap();
            sample(RequestKind::CopyMemory, &request, (0, capacity), fields)
        },
    )
}

/// Returns requests whose entries copy nothing.
fn many_copies() -> impl Strategy<Value = Sample> {
    (any::<bool>(), 0..=64_u32, 0..3_u32).prop_map(|(batch, count, engine)| {
        let fields = [
            Reserved(8, ENTRIES, NtStatus::INVALID_BUFFER_SIZE),
            Reserved(12, ENGINE, NtStatus::INVALID_PARAMETER),
        ];
        let results = 40 * count as usize;
        if batch {
            let request = BatchRequest {
                header: Header::of::<BatchRequest>(),
                count,
                engine,
            };
            let lengths = (16 * count as usize, results);
            sample(RequestKind::CopyBatch, &request, lengths, fields)
        } else {
            let request = ScatterRequest {
                header: Header::of::<ScatterRequest>(),
                count,
                engine,
            };
            let lengths = (24 * count as usize, results);
            sample(RequestKind::CopyScatter, &request, lengths, fields)
        }
    })
}

fn queries() -> impl Strategy<Value = Sample> {
    prop_oneof![
        Just(()).prop_map(|()| {
            let request = InformationRequest {
                header: Header::of::<InformationRequest>(),
            };
            sample(RequestKind::Information, &request, (0, 0), [])
        }),
        (any::<u32>(), 0..256_usize).prop_map(|(first, capacity)| {
            let request = MemoryRangesRequest {
                header: Header::of::<MemoryRangesRequest>(),
                first,
                reserved: 0,
            };
            let fields = [Reserved(12, ALL, NtStatus::INVALID_PARAMETER)];
            sample(RequestKind::MemoryRanges, &request, (0, capacity), fields)
        }),
    ]
}

proptest! {
    #[test]
    fn a_request_with_a_reserved_bit_is_refused(sample in prop_oneof![
        caller_copies(),
        copies_through(),
        device_copies(),
        copies_of_memory(),
        many_copies(),
        queries(),
    ]) {
        prop_assert!(validated(&sample.case).is_ok());
        for Reserved(at, mask, status) in sample.reserved {
            for bit in (0..32_usize).filter(|bit| mask >> bit & 1 == 1) {
                let mut changed = sample.case.clone();
                changed.input[at + bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(validated(&changed), Err(status), "bit {} at {}", bit, at);
            }
        }
    }
}
