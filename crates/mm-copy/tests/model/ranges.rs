//! Lists of RAM ranges: how many bytes from an address on are RAM, and how many are not.

use mm_copy::RamRanges;
use proptest::prelude::*;

use crate::machine::{arranged, listed};

#[test]
fn ranges_and_holes_are_exact_to_the_byte() {
    let list = [
        (0x5000, 0x1000),
        (0x1000, 0),
        (0x2000, 1),
        (0x8000, 0),
        (u64::MAX, 1),
    ];
    let list = arranged(&list);
    let ranges = RamRanges::new(&list);
    let cases = [
        (0, 0, 0x2000),
        (0x1000, 0, 0x1000),
        (0x1FFF, 0, 1),
        (0x2000, 1, 0),
        (0x2001, 0, 0x2FFF),
        (0x4FFF, 0, 1),
        (0x5000, 0x1000, 0),
        (0x5FFF, 1, 0),
        (0x6000, 0, u64::MAX - 0x6000),
        (u64::MAX - 1, 0, 1),
        (u64::MAX, 1, 0),
    ];
    for (address, bytes, hole) in cases {
        let found = (ranges.bytes_from(address), ranges.hole_from(address));
        assert_eq!(found, (bytes, hole), "{address:#x}");
    }
}

#[test]
fn a_hole_after_the_last_range_ends_with_the_addresses() {
    // 2^64 bytes are one more than a length can say.
    for (list, address, length) in [
        (&[(0x1000, 0x1000)][..], 0x2000, u64::MAX - 0x1FFF),
        (&[(0x1000, 0x1000)], u64::MAX, 1),
        (&[], 0, u64::MAX),
        (&[], 1, u64::MAX),
        (&[(1, u64::MAX)], 0, 1),
        (&[(1, u64::MAX)], u64::MAX, 0),
    ] {
        let list = arranged(list);
        assert_eq!(RamRanges::new(&list).hole_from(address), length);
    }
    assert_eq!(RamRanges::new(&[]).bytes_from(0), 0);
}

proptest! {
    /// Arranged, the ranges hold the same bytes, in order and apart, and the holes the others.
    #[test]
    fn arranged_ranges_hold_the_same_bytes(
        given in prop::collection::vec((0..60_u64, 0..12_u64), 0..12),
    ) {
        let arranged = arranged(&given);
        for pair in arranged.windows(2) {
            assert!(pair[0].start + pair[0].length < pair[1].start);
        }
        assert!(arranged.iter().all(|range| range.length > 0));
        let ranges = RamRanges::new(&arranged);
        for address in 0..80 {
            let held = |at: u64| given.iter().any(|&(start, length)| {
                (start..start + length).contains(&at)
            });
            let bytes = (address..100).take_while(|&at| held(at)).count() as u64;
            assert_eq!(ranges.bytes_from(address), bytes, "{address}");
            let to_the_end = (u64::MAX - address).saturating_add(1);
            let next = (address..100).find(|&at| held(at));
            let hole = next.map_or(to_the_end, |next| next - address);
            assert_eq!(ranges.hole_from(address), hole, "{address}");
        }
    }
}

/// In any order, nothing is taken for RAM that is none.
#[test]
fn ranges_out_of_order_invent_nothing() {
    let ranges = listed(&[(9, 2), (3, 3), (5, 0), (0, 2)]);
    for address in 0..12 {
        let bytes = RamRanges::new(&ranges).bytes_from(address);
        let longest = ranges.iter().map(|range| range.bytes_from(address)).max();
        assert!(bytes <= longest.unwrap());
    }
}

#[test]
fn a_range_that_runs_beyond_the_end_ends_there() {
    let ranges = arranged(&[(u64::MAX - 4, u64::MAX), (u64::MAX - 8, 4)]);
    assert_eq!(ranges.len(), 1);
    let bytes = RamRanges::new(&ranges).bytes_from(u64::MAX - 8);
    assert_eq!(bytes, u64::MAX);
}
