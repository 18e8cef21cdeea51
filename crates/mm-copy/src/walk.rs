//! The walk through the processor's page tables.

use core::cell::Cell;

use crate::{
    entry::{self, Entry, NoEntry},
    physical::{PhysicalMemory, ram_from},
    transfer::Reason,
    translate::{Mapping, Translate},
};

/// How many levels of page tables the processor walks (`CR4.LA57`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// 48-bit virtual addresses.
    Four,
    /// 57-bit virtual addresses.
    Five,
}

impl Levels {
    /// The level of the table that `CR3` points to.
    const fn root(self) -> u8 {
        match self {
            Self::Four => 4,
            Self::Five => 5,
        }
    }

    /// Whether the bits above the virtual width repeat its highest bit.
    const fn is_canonical(self, address: u64) -> bool {
        let unused = match self {
            Self::Four => 16,
            Self::Five => 7,
        };
        let address = address.cast_signed();
        (address << unused) >> unused == address
    }
}

/// Translates by reading page tables from physical memory, as the processor would.
///
/// Four or five levels; pages of 4 KiB, 2 MiB and 1 GiB. Each entry is read once, in one access.
/// A walk reads at most as many entries as there are levels, whatever the tables say: entries
/// that point back at their own table end it like any others.
///
/// The table that mapped the last page is remembered, as the processor remembers such things: what
/// it maps besides takes one entry each from then on, until another such table is met. So a walk is
/// made anew for every request, and one that is older is as stale as what it remembers.
///
/// What is read is only as trustworthy as the tables: they may change during the walk and after
/// it. So every table is looked up in the RAM ranges before an entry is read from it, and
/// [`copy_virtual`](crate::copy_virtual) does the same with the page that the walk found. A stale
/// walk gives stale data, never an access to anything but RAM.
///
/// Access rights in the entries are not looked at: whoever may copy system memory may copy all of
/// it. Nor are entries that are not present: what the operating system keeps there is its own.
#[derive(Clone, Debug)]
pub struct PageTableWalk<M> {
    memory: M,
    root: u64,
    levels: Levels,
    remembered: Cell<Option<LastTable>>,
}

/// The table that a walk ended in: the one whose entry mapped the page.
#[derive(Clone, Copy, Debug)]
struct LastTable {
    level: u8,
    /// Which virtual addresses it translates.
    region: u64,
    /// Where it is.
    physical: u64,
}

impl LastTable {
    const fn region(level: u8, address: u64) -> u64 {
        address & !entry::offset_mask(level.saturating_add(1))
    }
}

impl<M: PhysicalMemory> PageTableWalk<M> {
    /// A walk over the tables in `memory` that begins at `cr3`, the value of the register: bits
    /// below 12 and above 51 are no part of the address and may be anything.
    #[must_use]
    pub const fn new(memory: M, cr3: u64, levels: Levels) -> Self {
        Self {
            memory,
            root: cr3 & entry::ADDRESS,
            levels,
            remembered: Cell::new(None),
        }
    }

    /// Reads and decodes the entry for `address` in the table of `level` at `table`.
    fn entry(&self, table: u64, level: u8, address: u64) -> Result<Entry, Reason> {
        let location = table | entry::offset_in_table(address, level);
        match ram_from(&self.memory, location) {
            Ok(run) if run >= entry::SIZE => {}
            Ok(_) | Err(_) => return Err(Reason::TableNotRam { level }),
        }
        let raw = self.memory.read_u64(location).map_err(Reason::Read)?;
        entry::decode(raw, level, self.memory.address_bits()).map_err(|none| match none {
            NoEntry::NotPresent => Reason::NotPresent { level },
            NoEntry::Reserved => Reason::ReservedBits { level },
        })
    }
}

impl<M: PhysicalMemory> Translate for PageTableWalk<M> {
    /// # Errors
    ///
    /// [`Reason::NonCanonical`], [`Reason::TableNotRam`], [`Reason::NotPresent`],
    /// [`Reason::ReservedBits`], or [`Reason::Read`] where an entry could not be read.
    fn translate(&self, address: u64) -> Result<Mapping, Reason> {
        if !self.levels.is_canonical(address) {
            return Err(Reason::NonCanonical);
        }
        let (mut table, highest) = match self.remembered.get() {
            Some(last) if last.region == LastTable::region(last.level, address) => {
                (last.physical, last.level)
            }
            _ => (self.root, self.levels.root()),
        };
        for level in (entry::LOWEST_LEVEL..=highest).rev() {
            match self.entry(table, level, address)? {
                Entry::Table(next) => table = next,
                Entry::Page(frame) => {
                    self.remembered.set(Some(LastTable {
                        level,
                        region: LastTable::region(level, address),
                        physical: table,
                    }));
                    let mask = entry::offset_mask(level);
                    let offset = address & mask;
                    return Ok(Mapping {
                        physical: frame | offset,
                        length: mask.saturating_sub(offset).saturating_add(1),
                    });
                }
            }
        }
        // Not reached: an entry of the lowest level is a page or an error.
        Err(Reason::NotPresent {
            level: entry::LOWEST_LEVEL,
        })
    }
}
