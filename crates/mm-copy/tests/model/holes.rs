//! How far holes reach: never over anything that can be read (field case F8).
//!
//! The models that every copy is held to say it as well; here are the ends of everything.

use mm_copy::{
    Hole, Levels, PageTableWalk, RamRange, RamRanges, Reason, Translate as _, copy_physical,
    copy_virtual,
};
use proptest::prelude::*;

use crate::{
    machine::{Machine, PAGE},
    oracle::system_start,
    random::HOLE,
    tables::{LARGE, Tables, reach},
};

const POOL: (u64, u64) = (0x10_0000, 0x10_0000);
const BOTH: [Levels; 2] = [Levels::Four, Levels::Five];

fn ranges(list: &[(u64, u64)]) -> Vec<RamRange> {
    let mut ranges: Vec<_> = list
        .iter()
        .map(|&(start, length)| RamRange { start, length })
        .collect();
    let left = RamRanges::arrange(&mut ranges);
    ranges.truncate(left);
    ranges
}

#[test]
fn f8_a_hole_between_ranges_ends_where_the_next_begins() {
    let list = ranges(&[(0x2000, 1), (0x5000, 0x1000), (0x8000, 0), (u64::MAX, 1)]);
    let list = RamRanges::new(&list);
    let cases = [
        (0, 0x2000),
        (0x1FFF, 1),
        (0x2000, 0),
        (0x2001, 0x2FFF),
        (0x4FFF, 1),
        (0x5FFF, 0),
        (0x6000, u64::MAX - 0x6000),
        (u64::MAX - 1, 1),
        (u64::MAX, 0),
    ];
    for (address, length) in cases {
        assert_eq!(list.hole_from(address), length, "{address:#x}");
    }
}

#[test]
fn f8_a_hole_after_the_last_range_ends_with_the_addresses() {
    let list = ranges(&[(0x1000, 0x1000)]);
    let list = RamRanges::new(&list);
    assert_eq!(list.hole_from(0x2000), u64::MAX - 0x1FFF);
    assert_eq!(list.hole_from(u64::MAX), 1);
    // 2^64 bytes are one more than a length can say.
    assert_eq!(RamRanges::new(&[]).hole_from(0), u64::MAX);
    assert_eq!(RamRanges::new(&[]).hole_from(1), u64::MAX);
    let all = ranges(&[(1, u64::MAX)]);
    assert_eq!(RamRanges::new(&all).hole_from(0), 1);
    assert_eq!(RamRanges::new(&all).hole_from(u64::MAX), 0);
}

proptest! {
    #[test]
    fn f8_a_hole_is_as_long_as_byte_by_byte(
        given in prop::collection::vec((0..60_u64, 0..12_u64), 0..12),
    ) {
        let list = ranges(&given);
        let list = RamRanges::new(&list);
        for address in 0..80 {
            let held = |at: u64| given.iter().any(|&(start, length)| {
                (start..start + length).contains(&at)
            });
            let hole = (address..100).take_while(|&at| !held(at)).count() as u64;
            let expected = if address + hole == 100 { u64::MAX - address + u64::from(address > 0) } else { hole };
            prop_assert_eq!(list.hole_from(address), expected, "{}", address);
        }
    }
}

fn physical_hole(machine: &Machine, address: u64) -> Hole {
    let stop = copy_physical(machine, address, (&mut [0; 1]).into()).stop;
    let stop = stop.unwrap();
    Hole {
        reason: stop.reason,
        length: stop.hole_length,
    }
}

#[test]
fn f8_nothing_is_ram_from_the_physical_width_on() {
    let width = 1 << 36;
    // Claimed beyond the width, and across it.
    for ram in [
        &[(0x1000, 0x1000), (width, PAGE)][..],
        &[(0x1000, 0x1000), (width + PAGE, PAGE)],
        &[(0x1000, 0x1000)],
    ] {
        let machine = Machine::new(36, ram);
        for address in [0x2000, width - 1, width, width + PAGE, 1 << 63, u64::MAX] {
            let hole = physical_hole(&machine, address);
            assert_eq!(hole.length, u64::MAX - address + 1, "{address:#x}");
        }
    }
    let machine = Machine::new(36, &[(width - PAGE, 2 * PAGE)]);
    assert_eq!(physical_hole(&machine, 0).length, width - PAGE);
}

#[test]
fn f8_a_missing_entry_is_a_hole_as_long_as_it_translates() {
    for levels in BOTH {
        let top = if levels == Levels::Four { 4 } else { 5 };
        for level in 1..=top {
            let size = [4 << 10, 2 << 20, 1 << 30, 512 << 30, 256 << 40][usize::from(level) - 1];
            assert_eq!(size, reach(level));
            for base in [system_start(levels), size.wrapping_neg()] {
                let mut machine = Machine::new(40, &[POOL]);
                let mut tables = Tables::new(&mut machine, levels, POOL);
                tables.entry(&mut machine, base, level);
                let walk = PageTableWalk::new(&machine, tables.root, levels);
                for offset in [0, 1, size / 2 + 5, size - 1] {
                    let expected = Hole {
                        reason: Reason::NotPresent { level },
                        length: size - offset,
                    };
                    assert_eq!(walk.translate(base + offset), Err(expected));
                    assert_eq!(walk.unused_from(base + offset), size - offset);
                }
            }
        }
    }
}

/// What is out, or comes to be at its first use, is not unused.
#[test]
fn f8_an_entry_with_any_bit_set_is_not_called_unused() {
    let address = 0xFFFF_9000_0000_0000;
    for level in 1..=5 {
        let mut machine = Machine::new(40, &[POOL]);
        let mut tables = Tables::new(&mut machine, Levels::Five, POOL);
        let entry = tables.entry(&mut machine, address, level);
        for bit in 0..64 {
            machine.write_u64(entry, 1 << bit);
            let walk = PageTableWalk::new(&machine, tables.root, Levels::Five);
            assert_eq!(walk.unused_from(address), 0, "bit {bit} at level {level}");
        }
    }
    let machine = Machine::new(40, &[POOL]);
    let walk = PageTableWalk::new(&machine, HOLE, Levels::Four);
    assert_eq!(walk.unused_from(address), 0, "no table");
}

#[test]
fn f8_what_is_no_address_reaches_to_the_first_system_address() {
    let machine = Machine::new(40, &[POOL]);
    for levels in BOTH {
        let start = system_start(levels);
        assert_eq!(levels.system_start(), start);
        let walk = PageTableWalk::new(&machine, POOL.0, levels);
        for address in [1 << 63, start - PAGE, start - 1] {
            let length = start - address;
            let hole = walk.translate(address).unwrap_err();
            assert_eq!((hole.reason, hole.length), (Reason::NonCanonical, length));
            assert_eq!(walk.unused_from(address), length);
        }
        for address in [0x8000_0000_0000, (1 << 63) - 1] {
            let transfer = copy_virtual(&machine, &walk, address, (&mut [0; 1]).into());
            assert_eq!(transfer.stop.unwrap().hole_length, start - address);
        }
    }
}

/// A page that is mapped to what is no RAM says nothing about its neighbours.
#[test]
fn f8_a_hole_in_a_mapping_ends_with_it() {
    let base = 0xFFFF_9000_0000_0000;
    for (level, frame) in [(1, HOLE), (2, HOLE), (3, 1 << 30)] {
        let mut machine = Machine::new(40, &[POOL, (HOLE + 0x123, 1), (8 << 30, PAGE)]);
        let mut tables = Tables::new(&mut machine, Levels::Four, POOL);
        tables.page(&mut machine, base, level, frame, 0);
        let walk = PageTableWalk::new(&machine, tables.root, tables.levels);
        let hole = |offset| {
            let transfer = copy_virtual(&machine, &walk, base + offset, (&mut [0; 1]).into());
            transfer.stop.map(|stop| stop.hole_length)
        };
        let size = reach(level);
        assert_eq!(hole(size - 5), Some(5));
        assert_eq!(hole(0x124), Some(size - 0x124));
        let first = if frame == HOLE { 0x123 } else { size };
        assert_eq!(hole(0), Some(first));
    }
}

#[test]
fn f8_a_large_page_is_no_hole() {
    let address = 0xFFFF_9000_0000_0000;
    let mut machine = Machine::new(40, &[POOL]);
    let mut tables = Tables::new(&mut machine, Levels::Four, POOL);
    let entry = tables.entry(&mut machine, address, 2);
    machine.write_u64(entry, LARGE | 1);
    let walk = PageTableWalk::new(&machine, tables.root, Levels::Four);
    assert_eq!(walk.unused_from(address), 0);
    assert!(walk.translate(address).is_ok());
}

/// The tables are looked at as far as the copy was to go, one entry for each page.
#[test]
fn f8_a_run_of_missing_pages_is_one_hole_as_far_as_was_asked() {
    let base = 0xFFFF_9000_0000_0000;
    let mut machine = Machine::new(40, &[POOL, (1 << 30, PAGE)]);
    let mut tables = Tables::new(&mut machine, Levels::Four, POOL);
    tables.page(&mut machine, base + 300 * PAGE, 1, 1 << 30, 0);
    for (pages, expected) in [(1, 1), (256, 256), (300, 300), (301, 300), (1024, 300)] {
        let mut target = vec![0; 4096 * pages];
        let before = machine.entries_read.get();
        let walk = PageTableWalk::new(&machine, tables.root, tables.levels);
        let transfer = copy_virtual(&machine, &walk, base, target.as_mut_slice().into());
        assert_eq!(transfer.transferred, 0);
        assert_eq!(transfer.stop.unwrap().hole_length, expected * PAGE);
        let entries = machine.entries_read.get() - before;
        assert!(entries <= 4 + pages, "{entries} entries for {pages} pages");
    }
}

#[test]
fn f8_a_run_ends_with_the_addresses() {
    let mut machine = Machine::new(40, &[POOL]);
    for levels in BOTH {
        let mut tables = Tables::new(&mut machine, levels, POOL);
        let last = 1_u64.wrapping_neg() & !(PAGE - 1);
        tables.entry(&mut machine, last, 1);
        let walk = PageTableWalk::new(&machine, tables.root, levels);
        let mut target = vec![0; 0x2001];
        let address = last - PAGE - 1;
        let transfer = copy_virtual(&machine, &walk, address, target.as_mut_slice().into());
        assert_eq!(transfer.stop.unwrap().hole_length, 0x2001);
    }
    let hole = Hole {
        reason: Reason::NotRam,
        length: 1,
    };
    assert_eq!(hole.within(u64::MAX, 9, |_| panic!("past the end")), hole);
    let all = hole.within(0, u64::MAX, |_| u64::MAX);
    assert_eq!(all.length, u64::MAX);
    let unknown = Hole { length: 0, ..hole };
    assert_eq!(unknown.within(0, 9, |_| panic!("of nothing")), unknown);
}

/// Another engine may bring in what is not present; it asks at the first byte of such a hole alone.
#[test]
fn f8_what_is_never_there_does_not_reach_over_what_may_be_out() {
    let base = 0xFFFF_9000_0000_0000;
    let mut machine = Machine::new(40, &[POOL]);
    let mut tables = Tables::new(&mut machine, Levels::Four, POOL);
    // Two malformed pages, one that is out, a malformed one, and none.
    for (page, raw) in [1 << 45 | 1, 1 << 45 | 1, 1 << 10, 1 << 45 | 1]
        .into_iter()
        .enumerate()
    {
        let entry = tables.entry(&mut machine, base + page as u64 * PAGE, 1);
        machine.write_u64(entry, raw);
    }
    for (page, pages) in [(0, 2), (1, 1), (2, 6), (3, 1), (4, 4)] {
        let walk = PageTableWalk::new(&machine, tables.root, tables.levels);
        let length = usize::try_from((8 - page) * PAGE).unwrap();
        let mut target = vec![0; length];
        let address = base + page * PAGE;
        let transfer = copy_virtual(&machine, &walk, address, target.as_mut_slice().into());
        assert_eq!(transfer.stop.unwrap().hole_length, pages * PAGE, "{page}");
    }
}
