//! Copies of system memory through page tables.

use std::cell::Cell;

use mm_copy::{
    CopyFlags, Hole, Levels, Mapping, Native, PageTableWalk, Reason, Translate, copy_memory,
    copy_virtual, page_of,
};
use proptest::prelude::*;

use crate::{
    machine::{Machine, PAGE, READ_FAILURE},
    oracle::{self, check},
    random::{self, HOLE},
    tables::{LARGE, POOL, Tables, reach},
};

/// RAM for the pages of the tests below: 4 MiB.
const DATA: u64 = 0x4000_0000;

fn check_against_model(machine: &Machine, tables: &Tables, address: u64, length: usize) {
    let entries_before = machine.entries_read.get();
    let expected = oracle::system(machine, &tables.map, tables.levels, address, length);
    check(&expected, address, length, |target| {
        copy_virtual(machine, &tables.walk(machine), address, target)
    });
    let entries = machine.entries_read.get() - entries_before;
    let pages = length / 4096 + 2;
    assert!(entries <= 5 * pages, "{entries} entries for {pages} pages");
}

fn machine() -> Machine {
    Machine::new(40, &[POOL, (DATA, 0x40_0000)])
}

fn empty(levels: Levels) -> (Machine, Tables) {
    let mut machine = machine();
    let tables = Tables::new(&mut machine, levels, POOL);
    (machine, tables)
}

/// Where a walk leads, in the tables as they are.
fn translate(machine: &Machine, tables: &Tables, address: u64) -> Result<Mapping, Reason> {
    let found = tables.walk(machine).translate(address);
    found.map_err(|hole| hole.reason)
}

proptest! {
    #[test]
    fn any_copy_does_what_the_model_does(
        (memory, layout, (address, length)) in random::system_request()
    ) {
        let mut machine = memory.build();
        let tables = layout.build(&mut machine);
        check_against_model(&machine, &tables, address, length);
    }
}

#[test]
fn several_mib_of_scattered_pages_arrive() {
    let (mut machine, mut tables) = empty(Levels::Five);
    let base = 0xFFF1_2345_6780_0000;
    for page in 0..1024 {
        // 389 and 1024 have no common factor: every frame is used, none twice in a row.
        let frame = DATA + page * 389 % 1024 * PAGE;
        tables.page(&mut machine, base + page * PAGE, 1, frame, 0);
    }
    let length = 4 * 1024 * 1024 - 8;
    check_against_model(&machine, &tables, base + 3, length);
    assert_eq!(machine.reads.borrow().len(), 1024);
    // Two page tables, each found once.
    assert_eq!(machine.entries_read.get(), 2 * 4 + 1024);
}

#[test]
fn a_copy_may_end_where_the_address_space_ends_and_not_beyond() {
    let mut machine = machine();
    for levels in [Levels::Four, Levels::Five] {
        let mut tables = Tables::new(&mut machine, levels, POOL);
        let last_page = 0xFFFF_FFFF_FFFF_F000;
        tables.page(&mut machine, last_page - PAGE, 1, DATA, 0);
        tables.page(&mut machine, last_page, 1, DATA + 0x5000, 0);
        for length in [1, 0x17FF, 0x1800, 0x1801] {
            check_against_model(&machine, &tables, last_page - 0x800, length);
        }
        check_against_model(&machine, &tables, u64::MAX, 1);
        check_against_model(&machine, &tables, u64::MAX, 2);
    }
}

#[test]
fn the_upper_half_begins_where_the_number_of_levels_says() {
    let mut machine = machine();
    for (levels, lowest) in [
        (Levels::Four, 0xFFFF_8000_0000_0000),
        (Levels::Five, 0xFF00_0000_0000_0000),
    ] {
        let mut tables = Tables::new(&mut machine, levels, POOL);
        tables.page(&mut machine, lowest, 1, DATA, 0);
        check_against_model(&machine, &tables, lowest, 16);
        check_against_model(&machine, &tables, lowest - 1, 16);
        check_against_model(&machine, &tables, 1 << 63, 16);
        let found = translate(&machine, &tables, lowest - 1);
        assert_eq!(found, Err(Reason::NonCanonical));
    }
}

#[test]
fn the_lower_half_is_not_walked() {
    let (mut machine, mut tables) = empty(Levels::Four);
    tables.page(&mut machine, 0x1_0000, 1, DATA, 0);
    for address in [0, 0x1_0000, 0x7FFF_FFFF_0000, (1 << 63) - 1] {
        check_against_model(&machine, &tables, address, 16);
    }
    assert_eq!(machine.entries_read.get(), 0);
}

#[test]
fn a_page_of_each_size_maps_to_its_last_byte() {
    let mut machine = machine();
    let base = 0xFFFF_9000_0000_0000;
    for level in 1..=3 {
        let mut tables = Tables::new(&mut machine, Levels::Four, POOL);
        tables.page(&mut machine, base, level, DATA, u64::MAX);
        let size = reach(level);
        for offset in [0, 1, size / 2 + 5, size - 1] {
            let expected = Mapping {
                physical: DATA + offset,
                length: size - offset,
            };
            let found = translate(&machine, &tables, base + offset);
            assert_eq!(found, Ok(expected), "level {level}");
        }
    }
}

/// Bit 7 asks for a page at levels 2 and 3, is reserved above, and means something else below.
#[test]
fn the_page_size_bit_counts_at_the_levels_that_have_it() {
    let address = 0xFFFF_9000_0000_0000;
    for level in 1..=5 {
        let (mut machine, mut tables) = empty(Levels::Five);
        // Aligned to pages of any size that a level could have, were there such pages.
        let frame = match level {
            1 => DATA + PAGE,
            2 | 3 => DATA,
            _ => 0,
        };
        let entry = tables.entry(&mut machine, address, level);
        machine.write_u64(entry, frame | LARGE | 1);
        let found = translate(&machine, &tables, address);
        match level {
            1..=3 => assert_eq!(found.unwrap().physical, frame),
            _ => assert_eq!(found, Err(Reason::ReservedBits { level })),
        }
    }
}

#[test]
fn an_address_bit_above_the_physical_width_is_reserved_at_every_level() {
    let address = 0xFFFF_9000_0000_0000;
    for address_bits in [32, 36, 40, 46, 51, 52] {
        for level in 1..=5 {
            for kind in [0, LARGE] {
                if level > 3 && kind == LARGE {
                    continue;
                }
                for bit in 32..52 {
                    let mut machine = Machine::new(address_bits, &[POOL]);
                    let mut tables = Tables::new(&mut machine, Levels::Five, POOL);
                    let entry = tables.entry(&mut machine, address, level);
                    machine.write_u64(entry, (1 << bit) | kind | 1);
                    let found = translate(&machine, &tables, address);
                    let reserved = Err(Reason::ReservedBits { level });
                    assert_eq!(
                        found == reserved,
                        bit >= address_bits,
                        "bit {bit} of {address_bits} at level {level}: {found:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn bits_below_the_size_of_a_large_page_are_reserved_but_for_the_memory_type() {
    let address = 0xFFFF_9000_0000_0000;
    for (level, size_bits) in [(2, 21), (3, 30)] {
        for bit in 12..size_bits {
            let (mut machine, mut tables) = empty(Levels::Four);
            let entry = tables.entry(&mut machine, address, level);
            machine.write_u64(entry, DATA | (1 << bit) | LARGE | 1);
            let found = translate(&machine, &tables, address + 5);
            if bit == 12 {
                assert_eq!(found.unwrap().physical, DATA + 5);
            } else {
                assert_eq!(found, Err(Reason::ReservedBits { level }), "bit {bit}");
            }
        }
    }
}

#[test]
fn an_entry_that_is_not_present_is_not_interpreted() {
    let address = 0xFFFF_9000_0000_0000;
    for level in 1..=5 {
        let (mut machine, mut tables) = empty(Levels::Five);
        let reason = Reason::NotPresent { level };
        assert!(reason.may_be_paged_out());
        for raw in [0, u64::MAX - 1, DATA, DATA | LARGE] {
            tables.dead_end(&mut machine, address, level, raw, reason);
            check_against_model(&machine, &tables, address, 16);
        }
    }
}

#[test]
fn tables_are_read_from_ram_only() {
    let address = 0xFFFF_9000_0000_0000;
    for level in 1..=4 {
        let (mut machine, mut tables) = empty(Levels::Five);
        let reason = Reason::TableNotRam { level };
        assert!(!reason.may_be_paged_out());
        tables.dead_end(&mut machine, address, level + 1, HOLE | 1, reason);
        check_against_model(&machine, &tables, address, 16);
    }
    for root in [HOLE, 1 << 40, 0x000F_FFFF_FFFF_F000] {
        let machine = machine();
        let walk = PageTableWalk::new(&machine, root, Levels::Four);
        let found = walk.translate(address).map_err(|hole| hole.reason);
        assert_eq!(found, Err(Reason::TableNotRam { level: 4 }));
        assert_eq!(machine.entries_read.get(), 0);
    }
}

/// RAM that ends within a table: the entries before the end are used, those after it are not.
#[test]
fn a_table_may_end_where_ram_ends() {
    let table = 0x20_0000;
    for end in [table + 0x900, table + 0x904, table + 0x908] {
        let machine = Machine::new(40, &[(table, end - table)]);
        let entry_at = |offset: u64| {
            let address = 0xFFFF << 48 | (offset / 8) << 39;
            PageTableWalk::new(&machine, table, Levels::Four)
                .translate(address)
                .map_err(|hole| hole.reason)
        };
        let top_not_ram = Err(Reason::TableNotRam { level: 4 });
        assert_ne!(entry_at(0x8F8), top_not_ram);
        assert_eq!(entry_at(0x900) == top_not_ram, end < table + 0x908);
    }
}

#[test]
fn an_entry_that_cannot_be_read_ends_the_copy_with_its_status() {
    let (mut machine, mut tables) = empty(Levels::Four);
    let base = 0xFFFF_9000_0000_0000;
    tables.page(&mut machine, base, 1, DATA, 0);
    tables.page(&mut machine, base + PAGE, 1, DATA, 0);
    machine.broken = Some(tables.entry(&mut machine, base + PAGE, 1));
    let transfer = tables.copy(&machine, base, 0x2000);
    assert_eq!(transfer.transferred, 0x1000);
    assert_eq!(transfer.status, READ_FAILURE);
    assert_eq!(transfer.stop.unwrap().address, base + PAGE);
}

/// What a walk remembers of one address is never taken for another's.
#[test]
fn a_walk_that_goes_to_and_fro_finds_what_a_fresh_one_does() {
    let (mut machine, mut tables) = empty(Levels::Four);
    let base = 0xFFFF_9000_0000_0000;
    // Page tables, a large page, and nothing, in neighbouring regions of 2 MiB.
    let region = 2 << 20;
    tables.page(&mut machine, base, 1, DATA, 0);
    tables.page(&mut machine, base + region, 1, DATA + PAGE, 0);
    tables.page(&mut machine, base + 2 * region, 2, DATA, 0);
    let addresses: Vec<_> = (0..4)
        .flat_map(|number| [0, 8, PAGE].map(|offset| base + number * region + offset))
        .collect();
    let walk = tables.walk(&machine);
    for &one in &addresses {
        for &other in &addresses {
            for address in [one, other] {
                let fresh = tables.walk(&machine);
                assert_eq!(walk.translate(address), fresh.translate(address));
            }
        }
    }
}

/// An entry that points at its own table maps the tables themselves, as on the real system.
#[test]
fn a_walk_through_an_entry_that_points_at_its_own_table_ends() {
    let mut machine = machine();
    for levels in [Levels::Four, Levels::Five] {
        let tables = Tables::new(&mut machine, levels, POOL);
        machine.write_u64(tables.root + 511 * 8, tables.root | 1);
        let before = machine.entries_read.get();
        let found = translate(&machine, &tables, u64::MAX - 7);
        let itself = Mapping {
            physical: tables.root + 511 * 8,
            length: 8,
        };
        assert_eq!(found, Ok(itself));
        let levels = if levels == Levels::Four { 4 } else { 5 };
        assert_eq!(machine.entries_read.get() - before, levels);
    }
}

#[test]
fn control_bits_in_cr3_are_no_part_of_the_address() {
    let (mut machine, mut tables) = empty(Levels::Four);
    let base = 0xFFFF_9000_0000_0000;
    tables.page(&mut machine, base, 1, DATA, 0);
    let cr3 = tables.root | 0xFFF0_0000_0000_0FFF;
    let walk = PageTableWalk::new(&machine, cr3, Levels::Four);
    assert_eq!(walk.translate(base).unwrap().physical, DATA);
}

#[test]
fn an_empty_mapping_ends_a_copy() {
    struct Nowhere(Cell<bool>);
    impl Translate for Nowhere {
        fn translate(&self, _: u64) -> Result<Mapping, Hole> {
            assert!(!self.0.replace(true), "the copy goes on");
            Ok(Mapping {
                physical: DATA,
                length: 0,
            })
        }

        fn system_start(&self) -> u64 {
            1 << 63
        }
    }
    let machine = machine();
    let mut target = [0; 16];
    let nowhere = Nowhere(Cell::new(false));
    let transfer = copy_virtual(&machine, &nowhere, u64::MAX - 20, (&mut target).into());
    assert_eq!(transfer.transferred, 0);
    let reason = transfer.stop.unwrap().reason;
    assert_eq!(reason, Reason::NotPresent { level: 0 });
}

/// A page for many reads is one that a copy reads whole.
#[test]
fn a_page_is_found_where_all_of_it_can_be_read() {
    let base = 0xFFFF_8123_4560_0000;
    // The last range ends within a page.
    let ranges = [POOL, (DATA, 0x10_0000), (0x5000_0000, 0x1800)];
    let mut machine = Machine::new(40, &ranges);
    let mut tables = Tables::new(&mut machine, Levels::Four, POOL);
    tables.page(&mut machine, base, 1, DATA + 7 * PAGE, 0);
    tables.page(&mut machine, base + PAGE, 1, 0x6000_0000, 0);
    tables.page(&mut machine, base + 2 * PAGE, 1, 0x5000_1000, 0);
    // 2 MiB, of which the first half is RAM.
    tables.page(&mut machine, base + (2 << 20), 2, DATA, 0);
    let walk = tables.walk(&machine);
    let native = Native::new(&machine, &walk);
    let virtually = [
        base,
        base + 1,
        base + PAGE - 1,
        base + PAGE,
        base + 2 * PAGE,
        base + 3 * PAGE,
        base + (2 << 20) + 5,
        base + (3 << 20) - 1,
        base + (3 << 20),
        base + (4 << 20),
        u64::MAX,
    ]
    .map(|address| (CopyFlags::VIRTUAL, address));
    let physically = [
        DATA,
        DATA + 0xF_FFFF,
        DATA + 0x10_0000,
        0x5000_0FFF,
        0x5000_1000,
        1 << 40,
        u64::MAX,
    ]
    .map(|address| (CopyFlags::PHYSICAL, address));
    for (flags, address) in virtually.into_iter().chain(physically) {
        let mut target = [0; 4096];
        let start = address & !(PAGE - 1);
        let whole = copy_memory(&native, flags, start, target.as_mut_slice().into());
        let physical = match flags {
            CopyFlags::PHYSICAL => Some(address),
            _ => walk.translate(start).ok().map(|mapping| mapping.physical),
        };
        let page = physical.and_then(|physical| page_of(&machine, physical));
        assert_eq!(page.is_some(), whole.is_complete(), "{address:#x}");
        if let Some(page) = page {
            assert!(
                (page..)
                    .zip(target)
                    .all(|(at, byte)| machine.byte(at) == byte)
            );
        }
    }
}
