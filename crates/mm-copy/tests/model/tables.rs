//! Page tables, built entry by entry in a machine's RAM.

use mm_copy::{Levels, PageTableWalk, Reason, Transfer, copy_virtual};

use crate::{
    machine::{Machine, PAGE, mix},
    oracle::{Map, Mapped},
};

/// Frames for tables.
pub const POOL: (u64, u64) = (0x10_0000, 0x10_0000);

const PRESENT: u64 = 1;
pub const LARGE: u64 = 1 << 7;
/// Bits that a processor ignores, or that concern rights and caching only: whoever takes one for
/// part of the address ends up elsewhere. Bit 63 is execute-disable, 12 to 51 are the address's.
pub const HARMLESS: u64 = 0xFFF0_0000_0000_0F7E;

/// Tables under construction, and what they are meant to say.
pub struct Tables {
    pub levels: Levels,
    pub root: u64,
    next: u64,
    end: u64,
    pub map: Map,
}

/// How many bytes an entry of `level` spans.
pub const fn reach(level: u8) -> u64 {
    1 << (12 + 9 * (level as u64 - 1))
}

impl Tables {
    /// Empty tables that take their frames from `pool`, a range of RAM.
    pub fn new(machine: &mut Machine, levels: Levels, pool: (u64, u64)) -> Self {
        let mut tables = Self {
            levels,
            root: 0,
            next: pool.0,
            end: pool.0 + pool.1,
            map: Map::default(),
        };
        tables.root = tables.frame(machine);
        tables
    }

    /// A walk through these tables.
    pub const fn walk<'m>(&self, machine: &'m Machine) -> PageTableWalk<&'m Machine> {
        PageTableWalk::new(machine, self.root, self.levels)
    }

    /// Copies `length` bytes from `address`, and returns the result alone.
    pub fn copy(&self, machine: &Machine, address: u64, length: usize) -> Transfer {
        let mut target = vec![0; length];
        let walk = self.walk(machine);
        copy_virtual(machine, &walk, address, target.as_mut_slice().into())
    }

    const fn top(&self) -> u8 {
        match self.levels {
            Levels::Four => 4,
            Levels::Five => 5,
        }
    }

    /// An empty table.
    fn frame(&mut self, machine: &mut Machine) -> u64 {
        let frame = self.next;
        assert!(frame < self.end, "the pool of tables is used up");
        self.next += PAGE;
        machine.clear(frame);
        frame
    }

    /// Where the entry of `level` for `address` is; tables on the way are made.
    pub fn entry(&mut self, machine: &mut Machine, address: u64, level: u8) -> u64 {
        let mut table = self.root;
        let mut at = self.top();
        loop {
            let entry = table + address / reach(at) % 512 * 8;
            if at == level {
                return entry;
            }
            let raw = machine.word(entry);
            table = if raw == 0 {
                let next = self.frame(machine);
                machine.write_u64(entry, next | PRESENT | mix(next) & HARMLESS);
                next
            } else {
                raw & 0x000F_FFFF_FFFF_F000
            };
            at -= 1;
        }
    }

    /// Maps a page of `level` at `address` to `physical`, with some `harmless` bits in the entry.
    pub fn page(
        &mut self,
        machine: &mut Machine,
        address: u64,
        level: u8,
        physical: u64,
        harmless: u64,
    ) {
        assert_eq!(physical % reach(level), 0);
        let entry = self.entry(machine, address, level);
        // At level 1, bit 7 is one of the memory type's; above, the memory type has bit 12.
        let kind = match level {
            1 => harmless & LARGE,
            _ => LARGE | (harmless & LARGE) << 5,
        };
        machine.write_u64(entry, physical | PRESENT | kind | harmless & HARMLESS);
        self.map
            .insert(address, reach(level), Mapped::Physical(physical));
    }

    /// Puts `raw` where the entry of `level` for `address` is, which ends every copy with
    /// `reason`.
    pub fn dead_end(
        &mut self,
        machine: &mut Machine,
        address: u64,
        level: u8,
        raw: u64,
        reason: Reason,
    ) {
        let entry = self.entry(machine, address, level);
        machine.write_u64(entry, raw);
        self.map
            .insert(address, reach(level), Mapped::DeadEnd(reason));
    }
}
