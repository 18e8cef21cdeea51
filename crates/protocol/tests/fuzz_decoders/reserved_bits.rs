//! Bits that are zero in every valid request: those of reserved and unused fields, and those above
//! the greatest value of an enumeration or a limit.

use proptest::prelude::*;
use ringcopy_protocol::{NtStatus, RequestKind};

use super::{Case, fields::case, validated};

/// A mask of reserved bits in the `u32` at an offset, and the status that they are refused with.
#[derive(Clone, Copy, Debug)]
struct Reserved(usize, u32, NtStatus);

const ALL: u32 = !0;

/// A field of which no bit may be set.
const fn unused(at: usize) -> Reserved {
    Reserved(at, ALL, NtStatus::INVALID_PARAMETER)
}

const fn mode(at: usize) -> Reserved {
    Reserved(at, !1, NtStatus::INVALID_PARAMETER)
}

/// An engine, or the direction of a device copy.
const fn one_of_three(at: usize) -> Reserved {
    Reserved(at, !3, NtStatus::INVALID_PARAMETER)
}

/// A number of at most 2^12: an offset in the device page, or a number of entries.
const fn at_most_4096(at: usize) -> Reserved {
    Reserved(at, !0x1FFF, NtStatus::INVALID_BUFFER_SIZE)
}

/// The halves of a `u64` whose greatest value is a power of two.
const fn at_most(greatest: u32, at: usize) -> [Reserved; 2] {
    let status = NtStatus::INVALID_BUFFER_SIZE;
    let low = !(greatest * 2 - 1);
    [Reserved(at, low, status), Reserved(at + 4, ALL, status)]
}

const SESSION: u32 = 0x4000;
const LENGTH: u32 = 0x400_0000;

/// A valid request, and its reserved bits besides those of the header.
type Sample = (Case, Vec<Reserved>);

fn caller_copies() -> impl Strategy<Value = Sample> {
    let part = (0..=u64::from(SESSION))
        .prop_flat_map(|length| (Just(length), 0..=u64::from(SESSION) - length));
    let kinds = [RequestKind::CopyFrom, RequestKind::CopyTo];
    let kind = prop::sample::select(kinds.to_vec());
    (kind, part, any::<u64>(), any::<u32>(), 0..2_u64).prop_map(
        |(kind, (length, offset), address, alignment, choice)| {
            let short = [alignment.into(), choice];
            let [a, b] = at_most(SESSION, 16);
            let [c, d] = at_most(SESSION, 24);
            let case = case(kind, [address, length, offset], short, (0, 0));
            (case, vec![mode(36), a, b, c, d])
        },
    )
}

fn copies_through() -> impl Strategy<Value = Sample> {
    let length = 0..=u64::from(LENGTH);
    (any::<[u64; 2]>(), length, any::<u32>(), 0..2_u64).prop_map(
        |([source, destination], length, alignment, choice)| {
            let long = [source, destination, length];
            let short = [alignment.into(), choice];
            let [low, high] = at_most(LENGTH, 24);
            let case = case(RequestKind::CopyThrough, long, short, (0, 0));
            (case, vec![low, high, mode(36)])
        },
    )
}

fn device_copies() -> impl Strategy<Value = Sample> {
    let part = (0..=2048_u64).prop_flat_map(|length| (Just(length), 0..=2048 - length));
    (1..4_u64, part).prop_map(|(direction, (length, offset))| {
        let payload = usize::try_from(length).unwrap();
        let (from, to, spaces, offsets) = match direction {
            1 => (
                0,
                offset + 2048,
                (payload, 0),
                [unused(16), at_most_4096(20)],
            ),
            2 => (
                offset + 2048,
                0,
                (0, length),
                [at_most_4096(16), unused(20)],
            ),
            _ => (offset, offset + 2048, (0, 0), [16, 20].map(at_most_4096)),
        };
        let short = [direction, length, from, to];
        let case = case(RequestKind::DeviceCopy, [], short, spaces);
        (case, vec![offsets[0], offsets[1], one_of_three(8)])
    })
}

fn copies_of_memory() -> impl Strategy<Value = Sample> {
    let length = 0..=u64::from(LENGTH);
    (any::<u64>(), length, any::<u32>(), 0..3_u64).prop_map(|(address, length, flags, engine)| {
        let short = [flags.into(), engine];
        let [low, high] = at_most(LENGTH, 16);
        let case = case(
            RequestKind::CopyMemory,
            [address, length],
            short,
            (0, length),
        );
        (case, vec![low, high, one_of_three(28)])
    })
}

/// Returns requests whose entries copy nothing.
fn many_copies() -> impl Strategy<Value = Sample> {
    let kinds = [(RequestKind::CopyBatch, 16), (RequestKind::CopyScatter, 24)];
    let kind = prop::sample::select(kinds.to_vec());
    (kind, 0..=64_usize, 0..3_u64).prop_map(|((kind, entry), count, engine)| {
        let short = [count as u64, engine];
        let spaces = (entry * count, 40 * count as u64);
        (
            case(kind, [], short, spaces),
            vec![at_most_4096(8), one_of_three(12)],
        )
    })
}

fn queries() -> impl Strategy<Value = Sample> {
    let information = case(RequestKind::Information, [], [], (0, 0));
    prop_oneof![
        Just((information, Vec::new())),
        (any::<u32>(), 0..256_u64).prop_map(|(first, capacity)| {
            let short = [first.into(), 0];
            let case = case(RequestKind::MemoryRanges, [], short, (0, capacity));
            (case, vec![unused(12)])
        }),
    ]
}

proptest! {
    #[test]
    fn a_request_with_a_reserved_bit_is_refused((case, fields) in prop_oneof![
        caller_copies(),
        copies_through(),
        device_copies(),
        copies_of_memory(),
        many_copies(),
        queries(),
    ]) {
        prop_assert!(validated(&case).is_ok());
        let header = [
            Reserved(0, ALL, NtStatus::REVISION_MISMATCH),
            Reserved(4, ALL, NtStatus::INFO_LENGTH_MISMATCH),
        ];
        for Reserved(at, mask, status) in header.into_iter().chain(fields) {
            for bit in (0..32_usize).filter(|bit| mask >> bit & 1 == 1) {
                let mut changed = case.clone();
                changed.input[at + bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(validated(&changed), Err(status), "bit {} at {}", bit, at);
            }
        }
    }
}
