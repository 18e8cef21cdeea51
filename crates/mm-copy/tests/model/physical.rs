//! Copies of physical memory.

use mm_copy::{Reason, copy_physical};
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
