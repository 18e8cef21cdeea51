//! Copies of physical memory.

use mm_copy::{RamRange, RamRanges, Reason, copy_physical};
use proptest::prelude::*;

use crate::{
    machine::{Machine, PAGE, READ_FAILURE},
    oracle::{self, check},
    random,
};

fn check_against_model<const SPAN: u64>(machine: &Machine<SPAN>, address: u64, length: usize) {
    let expected = oracle::physical(machine, address, length);
    check(&expected, address, length, |target| {
        copy_physical(machine, address, target)
    });
}

proptest! {
    #[test]
    fn any_copy_does_what_the_model_does((memory, (address, length)) in random::physical_request()) {
        check_against_model(&memory.build::<PAGE>(), address, length);
    }

    #[test]
    fn so_does_one_with_a_wider_span((memory, (address, length)) in random::physical_request()) {
        check_against_model(&memory.build::<0x1_0000>(), address, length);
    }
}

/// Every start and length around the edges of two runs with a gap of three bytes between them.
#[test]
fn every_byte_around_a_small_gap_counts() {
    let machine = Machine::new(40, &[(0x2000, 0x805), (0x2808, 0x10)]);
    for start in 0x27F8..0x281C {
        for length in 0..0x30 {
            check_against_model(&machine, start, length);
        }
    }
}

#[test]
fn runs_that_touch_are_one() {
    let machine = Machine::new(40, &[(0x3000, 0x1000), (0x1000, 0x2000)]);
    check_against_model(&machine, 0x1FFF, 0x2001);
    assert!(machine.reads.borrow().len() == 3);
}

#[test]
fn nothing_is_read_where_the_first_byte_is_not_ram() {
    let machine = Machine::new(36, &[(0x1000, 0x1000)]);
    let cases = [
        (0, Reason::NotRam),
        (0xFFF, Reason::NotRam),
        (0x2000, Reason::NotRam),
        (0xF_FFFF_FFFF, Reason::NotRam),
        (0x10_0000_0000, Reason::BeyondPhysicalWidth),
        (u64::MAX - 0xFFF, Reason::BeyondPhysicalWidth),
        (u64::MAX - 0xFFE, Reason::Wraps),
        (u64::MAX, Reason::Wraps),
    ];
    for (address, reason) in cases {
        let mut target = [0; 0x1000];
        let transfer = copy_physical(&machine, address, (&mut target).into());
        assert_eq!(transfer.transferred, 0);
        assert_eq!(transfer.stop.unwrap().reason, reason, "{address:#x}");
    }
    assert!(machine.reads.borrow().is_empty());
}

#[test]
fn ram_ends_at_the_physical_width_whatever_the_ranges_say() {
    let machine = Machine::new(36, &[(0xF_FFFF_F000, 0x2000)]);
    let mut target = [0; 0x1001];
    let transfer = copy_physical(&machine, 0xF_FFFF_F000, (&mut target).into());
    assert_eq!(transfer.transferred, 0x1000);
    assert_eq!(transfer.stop.unwrap().reason, Reason::BeyondPhysicalWidth);
}

#[test]
fn a_read_that_fails_midway_is_counted_to_the_byte() {
    let mut machine = Machine::new(40, &[(0, 0x10000)]);
    machine.broken = Some(0x3123);
    let mut target = vec![0; 0x8000];
    let transfer = copy_physical(&machine, 0x1FFF, target.as_mut_slice().into());
    assert_eq!(transfer.transferred, 0x3123 - 0x1FFF);
    assert_eq!(transfer.status, READ_FAILURE);
    assert_eq!(transfer.stop.unwrap().address, 0x3123);
    // The page before, the page of the failure, and none after it.
    let last = machine.reads.borrow().last().copied();
    assert_eq!(last, Some((0x3000, 0x1000)));
}

/// A copy reads every page of its source once, and looks every run up once, in however many
/// ranges it was given.
#[test]
fn work_is_linear_in_pages_and_runs() {
    let length = 4 << 20;
    let machine = Machine::new(40, &[(0, 2 << 20), (2 << 20, 6 << 20)]);
    let mut target = vec![0; length];
    let transfer = copy_physical(&machine, 0x10_0001, target.as_mut_slice().into());
    assert!(transfer.is_complete());
    let reads = machine.reads.borrow();
    assert_eq!(reads.len(), length / 4096 + 1);
    assert_eq!(reads.iter().map(|read| read.1).sum::<usize>(), length);
    assert_eq!(machine.lookups.get(), 1);
}

#[test]
fn an_empty_target_looks_at_nothing() {
    let machine = Machine::new(40, &[]);
    for address in [0, 1 << 40, u64::MAX] {
        let transfer = copy_physical(&machine, address, (&mut []).into());
        assert!(transfer.is_complete());
        assert_eq!(transfer.transferred, 0);
    }
    assert_eq!(machine.lookups.get(), 0);
}

#[test]
fn a_list_of_ranges_is_exact_to_the_byte() {
    let mut ranges = [
        RamRange {
            start: 0x5000,
            length: 0x1000,
        },
        RamRange {
            start: 0x1000,
            length: 0,
        },
        RamRange {
            start: 0x2000,
            length: 1,
        },
        RamRange {
            start: u64::MAX,
            length: 1,
        },
    ];
    let left = RamRanges::arrange(&mut ranges);
    let ranges = RamRanges::new(&ranges[..left]);
    let cases = [
        (0, 0),
        (0x1000, 0),
        (0x1FFF, 0),
        (0x2000, 1),
        (0x2001, 0),
        (0x4FFF, 0),
        (0x5000, 0x1000),
        (0x5FFF, 1),
        (0x6000, 0),
        (u64::MAX - 1, 0),
        (u64::MAX, 1),
    ];
    for (address, bytes) in cases {
        assert_eq!(ranges.bytes_from(address), bytes, "{address:#x}");
    }
    assert_eq!(RamRanges::new(&[]).bytes_from(0), 0);
}

proptest! {
    /// Arranged, the ranges hold the same bytes, in order and apart.
    #[test]
    fn arranged_ranges_hold_the_same_bytes(
        given in prop::collection::vec((0..60_u64, 0..12_u64), 0..12),
    ) {
        let given: Vec<_> = given
            .into_iter()
            .map(|(start, length)| RamRange { start, length })
            .collect();
        let mut arranged = given.clone();
        let left = RamRanges::arrange(&mut arranged);
        arranged.truncate(left);
        for pair in arranged.windows(2) {
            assert!(pair[0].start + pair[0].length < pair[1].start);
        }
        assert!(arranged.iter().all(|range| range.length > 0));
        let ranges = RamRanges::new(&arranged);
        for address in 0..80 {
            let held = |address| given.iter().any(|range| range.bytes_from(address) > 0);
            let run = (address..100).take_while(|&address| held(address)).count() as u64;
            assert_eq!(ranges.bytes_from(address), run, "{address}");
        }
    }
}

/// In any order, nothing is taken for RAM that is none.
#[test]
fn ranges_out_of_order_invent_nothing() {
    let ranges = [(9, 2), (3, 3), (5, 0), (0, 2)].map(|(start, length)| RamRange { start, length });
    for address in 0..12 {
        let bytes = RamRanges::new(&ranges).bytes_from(address);
        let longest = ranges.iter().map(|range| range.bytes_from(address)).max();
        assert!(bytes <= longest.unwrap());
    }
}

#[test]
fn a_range_that_runs_beyond_the_end_ends_there() {
    let mut ranges = [
        RamRange {
            start: u64::MAX - 4,
            length: u64::MAX,
        },
        RamRange {
            start: u64::MAX - 8,
            length: 4,
        },
    ];
    assert_eq!(RamRanges::arrange(&mut ranges), 1);
    assert_eq!(
        RamRanges::new(&ranges[..1]).bytes_from(u64::MAX - 8),
        u64::MAX
    );
}
