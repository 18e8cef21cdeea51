//! The walk through the processor's page tables.

use core::cell::Cell;

use crate::{
    entry::{self, Entry, NoEntry},
    physical::{PhysicalMemory, ram_from},
    transfer::{Hole, Reason},
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

    /// The first address of the upper half that has page tables.
    #[must_use]
    pub const fn system_start(self) -> u64 {
        match self {
            Self::Four => 0xFFFF_8000_0000_0000,
            Self::Five => 0xFF00_0000_0000_0000,
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
/// The table that the last walk ended in is remembered, as the processor remembers such things: what
/// it translates besides takes one entry each from then on, until a walk ends in another table. So a
/// walk is made anew for every request, and one that is older is as stale as what it remembers.
///
/// What is read is only as trustworthy as the tables: they may change during the walk and after
/// it. So every table is looked up in the RAM ranges before an entry is read from it, and
/// [`copy_virtual`](crate::copy_virtual) does the same with the page that the walk found. A stale
/// walk gives stale data, never an access to anything but RAM.
///
/// Access rights in the entries are not looked at: whoever may copy system memory may copy all of
/// it. Nor is what the operating system keeps in entries that are not present.
///
/// A walk that ends without a page tells how far the hole reaches: as far as its last entry
/// translates, which is 4 KiB, 2 MiB, 1 GiB, 512 GiB or 256 TiB at levels 1 to 5.
#[derive(Clone, Debug)]
pub struct PageTableWalk<M> {
    memory: M,
    root: u64,
    levels: Levels,
    remembered: Cell<Option<LastTable>>,
}

/// The table that a walk ended in: the one whose entry mapped the page, or was missing.
#[derive(Clone, Copy, Debug)]
struct LastTable {
    level: u8,
    /// Which virtual addresses it translates.
    region: u64,
    /// Where it is.
    physical: u64,
}

/// Where a walk ends that finds no page.
struct DeadEnd {
    hole: Hole,
    /// No bit of the entry is set, or there are no entries for such addresses.
    empty: bool,
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
    fn entry(&self, table: u64, level: u8, address: u64) -> Result<Entry, DeadEnd> {
        let dead_end = |reason, empty| DeadEnd {
            hole: Hole {
                reason,
                length: entry::bytes_from(address, level),
            },
            empty,
        };
        let location = table | entry::offset_in_table(address, level);
        match ram_from(&self.memory, location) {
            Ok(run) if run >= entry::SIZE => {}
            Ok(_) | Err(_) => return Err(dead_end(Reason::TableNotRam { level }, false)),
        }
        let raw = self.memory.read_u64(location).map_err(|status| DeadEnd {
            hole: Reason::Read(status).into(),
            empty: false,
        })?;
        entry::decode(raw, level, self.memory.address_bits()).map_err(|none| match none {
            NoEntry::Empty => dead_end(Reason::NotPresent { level }, true),
            NoEntry::NotPresent => dead_end(Reason::NotPresent { level }, false),
            NoEntry::Reserved => dead_end(Reason::ReservedBits { level }, false),
        })
    }

    /// How many bytes from `address` on have neither a page nor anything that the operating system
    /// could make one of: addresses that are not canonical, and those of an entry that is zero. 0
    /// if `address` may be readable, now or once it is brought in, and where that is not known.
    ///
    /// An entry for memory that is paged out, or that is filled at its first use, says so in its
    /// other bits. For user addresses that does not hold: what an entry of zero means there, the
    /// operating system keeps elsewhere (Windows Internals, part 1, "Page fault handling").
    #[must_use]
    pub fn unused_from(&self, address: u64) -> u64 {
        match self.look_up(address) {
            Err(DeadEnd { hole, empty: true }) => hole.length,
            Ok(_) | Err(_) => 0,
        }
    }

    fn look_up(&self, address: u64) -> Result<Mapping, DeadEnd> {
        if !self.levels.is_canonical(address) {
            return Err(DeadEnd {
                hole: Hole {
                    reason: Reason::NonCanonical,
                    length: self.levels.system_start().saturating_sub(address),
                },
                empty: true,
            });
        }
        let (mut table, highest) = match self.remembered.get() {
            Some(last) if last.region == LastTable::region(last.level, address) => {
                (last.physical, last.level)
            }
            _ => (self.root, self.levels.root()),
        };
        for level in (entry::LOWEST_LEVEL..=highest).rev() {
            let found = self.entry(table, level, address);
            if !matches!(found, Ok(Entry::Table(_))) {
                self.remembered.set(Some(LastTable {
                    level,
                    region: LastTable::region(level, address),
                    physical: table,
                }));
            }
            match found? {
                Entry::Table(next) => table = next,
                Entry::Page(frame) => {
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
        Err(DeadEnd {
            hole: Reason::NotPresent {
                level: entry::LOWEST_LEVEL,
            }
            .into(),
            empty: false,
        })
    }
}

impl<M: PhysicalMemory> Translate for PageTableWalk<M> {
    /// # Errors
    ///
    /// [`Reason::NonCanonical`], [`Reason::TableNotRam`], [`Reason::NotPresent`],
    /// [`Reason::ReservedBits`], or [`Reason::Read`] where an entry could not be read.
    fn translate(&self, address: u64) -> Result<Mapping, Hole> {
        self.look_up(address).map_err(|dead_end| dead_end.hole)
    }

    fn system_start(&self) -> u64 {
        self.levels.system_start()
    }
}
