//! How far holes reach: never over anything that can be read (field case F8).
//!
//! The models that every copy is held to say it as well; here are the ends of everything.

use mm_copy::{Hole, Levels, PageTableWalk, Reason, Translate as _, copy_physical, copy_virtual};

use crate::{
    machine::{Machine, PAGE},
    oracle::system_start,
    random::HOLE,
    tables::{LARGE, POOL, Tables, reach},
};

const BOTH: [Levels; 2] = [Levels::Four, Levels::Five];

fn empty(levels: Levels) -> (Machine, Tables) {
    let mut machine = Machine::new(40, &[POOL]);
    let tables = Tables::new(&mut machine, levels, POOL);
    (machine, tables)
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
fn nothing_is_ram_from_the_physical_width_on() {
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
fn a_missing_entry_is_a_hole_as_long_as_it_translates() {
    for levels in BOTH {
        let top = if levels == Levels::Four { 4 } else { 5 };
        for level in 1..=top {
            let size = [4 << 10, 2 << 20, 1 << 30, 512 << 30, 256 << 40][usize::from(level) - 1];
            assert_eq!(size, reach(level));
            for base in [system_start(levels), size.wrapping_neg()] {
                let (mut machine, mut tables) = empty(levels);
                tables.entry(&mut machine, base, level);
                let walk = tables.walk(&machine);
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
fn an_entry_with_any_bit_set_is_not_called_unused() {
    let address = 0xFFFF_9000_0000_0000;
    for level in 1..=5 {
        let (mut machine, mut tables) = empty(Levels::Five);
        let entry = tables.entry(&mut machine, address, level);
        for bit in 0..64 {
            machine.write_u64(entry, 1 << bit);
            let walk = tables.walk(&machine);
            assert_eq!(walk.unused_from(address), 0, "bit {bit} at level {level}");
        }
    }
    let machine = Machine::new(40, &[POOL]);
    let walk = PageTableWalk::new(&machine, HOLE, Levels::Four);
    assert_eq!(walk.unused_from(address), 0, "no table");
}

#[test]
fn what_is_no_address_reaches_to_the_first_system_address() {
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
fn a_hole_in_a_mapping_ends_with_it() {
    let base = 0xFFFF_9000_0000_0000;
    for (level, frame) in [(1, HOLE), (2, HOLE), (3, 1 << 30)] {
        let mut machine = Machine::new(40, &[POOL, (HOLE + 0x123, 1), (8 << 30, PAGE)]);
        let mut tables = Tables::new(&mut machine, Levels::Four, POOL);
        tables.page(&mut machine, base, level, frame, 0);
        let hole = |offset| {
            let stop = tables.copy(&machine, base + offset, 1).stop;
            stop.map(|stop| stop.hole_length)
        };
        let size = reach(level);
        assert_eq!(hole(size - 5), Some(5));
        assert_eq!(hole(0x124), Some(size - 0x124));
        let first = if frame == HOLE { 0x123 } else { size };
        assert_eq!(hole(0), Some(first));
    }
}

#[test]
fn a_large_page_is_no_hole() {
    let address = 0xFFFF_9000_0000_0000;
    let (mut machine, mut tables) = empty(Levels::Four);
    let entry = tables.entry(&mut machine, address, 2);
    machine.write_u64(entry, LARGE | 1);
    let walk = tables.walk(&machine);
    assert_eq!(walk.unused_from(address), 0);
    assert!(walk.translate(address).is_ok());
}

/// The tables are looked at as far as the copy was to go, one entry for each page.
#[test]
fn a_run_of_missing_pages_is_one_hole_as_far_as_was_asked() {
    let base = 0xFFFF_9000_0000_0000;
    let mut machine = Machine::new(40, &[POOL, (1 << 30, PAGE)]);
    let mut tables = Tables::new(&mut machine, Levels::Four, POOL);
    tables.page(&mut machine, base + 300 * PAGE, 1, 1 << 30, 0);
    for (pages, expected) in [(1, 1), (256, 256), (300, 300), (301, 300), (1024, 300)] {
        let before = machine.entries_read.get();
        let transfer = tables.copy(&machine, base, 4096 * pages);
        assert_eq!(transfer.transferred, 0);
        assert_eq!(transfer.stop.unwrap().hole_length, expected * PAGE);
        let entries = machine.entries_read.get() - before;
        assert!(entries <= 4 + pages, "{entries} entries for {pages} pages");
    }
}

#[test]
fn a_run_ends_with_the_addresses() {
    let mut machine = Machine::new(40, &[POOL]);
    for levels in BOTH {
        let mut tables = Tables::new(&mut machine, levels, POOL);
        let last = 1_u64.wrapping_neg() & !(PAGE - 1);
        tables.entry(&mut machine, last, 1);
        let transfer = tables.copy(&machine, last - PAGE - 1, 0x2001);
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
fn what_is_never_there_does_not_reach_over_what_may_be_out() {
    let base = 0xFFFF_9000_0000_0000;
    let (mut machine, mut tables) = empty(Levels::Four);
    // Two malformed pages, one that is out, a malformed one, and none.
    for (page, raw) in [1 << 45 | 1, 1 << 45 | 1, 1 << 10, 1 << 45 | 1]
        .into_iter()
        .enumerate()
    {
        let entry = tables.entry(&mut machine, base + page as u64 * PAGE, 1);
        machine.write_u64(entry, raw);
    }
    for (page, pages) in [(0, 2), (1, 1), (2, 6), (3, 1), (4, 4)] {
        let length = usize::try_from((8 - page) * PAGE).unwrap();
        let transfer = tables.copy(&machine, base + page * PAGE, length);
        assert_eq!(transfer.stop.unwrap().hole_length, pages * PAGE, "{page}");
    }
}
