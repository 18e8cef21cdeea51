//! The walk through page tables.

use core::cell::Cell;

use usermode_accessors::NtStatus;

use crate::{
    entry::{self, Entry, Level, NoEntry},
    physical::PhysicalMemory,
    transfer::{Hole, Reason},
    translate::{Mapping, Translate},
};

/// The number of page-table levels that the processor walks (`CR4.LA57`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// 48-bit virtual addresses.
    Four,
    /// 57-bit virtual addresses.
    Five,
}

impl Levels {
    /// Returns the level of the table that `CR3` points to.
    const fn root(self) -> Level {
        match self {
            Self::Four => Level::FOUR,
            Self::Five => Level::FIVE,
        }
    }

    /// Returns the first canonical address of the upper half.
    #[must_use]
    pub const fn system_start(self) -> u64 {
        match self {
            Self::Four => 0xFFFF_8000_0000_0000,
            Self::Five => 0xFF00_0000_0000_0000,
        }
    }

    /// Returns whether the bits above the virtual width repeat its highest bit: the lower half is as long
    /// as the upper one.
    const fn is_canonical(self, address: u64) -> bool {
        let start = self.system_start();
        address >= start || address < start.wrapping_neg()
    }
}

/// Translates by reading page tables from physical memory, as the processor does.
///
/// Four or five levels; pages of 4 KiB, 2 MiB and 1 GiB. Each entry is read once, in one access.
/// A walk reads at most one entry for each level, even if an entry points at its own table.
///
/// The walk remembers the table in which it last ended, as the processor caches such tables: further
/// addresses of that table take one entry each. Make a new walk for each request, because what it
/// remembers becomes stale.
///
/// The tables may change during the walk and after it. So every table is looked up in the RAM ranges
/// before an entry is read from it, and [`copy_virtual`](crate::copy_virtual) looks up the page that
/// the walk found. A stale walk returns stale data, but never accesses anything other than RAM.
///
/// Access rights in the entries are ignored: a caller that may copy system memory may copy all of it.
/// The contents of entries that are not present are ignored too.
///
/// A walk that finds no page returns the length of the hole: what its last entry translates, which is
/// 4 KiB, 2 MiB, 1 GiB, 512 GiB or 256 TiB at levels 1 to 5.
#[derive(Clone, Debug)]
pub struct PageTableWalk<M> {
    memory: M,
    root: u64,
    levels: Levels,
    /// At first the root table.
    remembered: Cell<LastTable>,
}

/// The table in which a walk ended: its entry maps the page, or is not present.
#[derive(Clone, Copy, Debug)]
struct LastTable {
    level: Level,
    /// The first virtual address that it translates.
    region: u64,
    /// Its physical address.
    physical: u64,
}

/// Why an entry leads no further.
enum DeadEnd {
    /// Its table is not in RAM.
    NoRam,
    /// It could not be read.
    Unread(NtStatus),
    /// It maps nothing.
    No(NoEntry),
    /// The address is not canonical: it has no entry.
    NonCanonical,
}

impl LastTable {
    #[inline]
    const fn region(level: Level, address: u64) -> u64 {
        address & !level.above().offset_mask()
    }
}

impl<M: PhysicalMemory> PageTableWalk<M> {
    /// Returns a walk over the tables in `memory` that begins at `cr3`, the value of the register. Bits
    /// below 12 and above 51 are ignored.
    #[must_use]
    pub const fn new(memory: M, cr3: u64, levels: Levels) -> Self {
        let root = cr3 & entry::ADDRESS;
        Self {
            memory,
            root,
            levels,
            remembered: Cell::new(LastTable {
                level: levels.root(),
                region: 0,
                physical: root,
            }),
        }
    }

    /// Returns the memory that the tables are read from.
    #[must_use]
    pub const fn memory(&self) -> &M {
        &self.memory
    }

    /// Reads and decodes the entry for `address` in the table of `level` at `table`. Physical addresses
    /// are below `end`.
    #[inline]
    fn entry(&self, table: u64, level: Level, address: u64, end: u64) -> Result<Entry, DeadEnd> {
        let location = table | level.offset_in_table(address);
        if self.memory.ram_from(location) < entry::SIZE {
            return Err(DeadEnd::NoRam);
        }
        match self.memory.read_u64(location) {
            Ok(raw) => entry::decode(raw, level, end).map_err(DeadEnd::No),
            Err(status) => Err(DeadEnd::Unread(status)),
        }
    }

    /// Returns the hole at `address`, whose walk ended at `level`.
    #[cold]
    fn hole(&self, address: u64, at: Level, end: &DeadEnd) -> Hole {
        let level = at.number();
        let reason = match end {
            DeadEnd::NoRam => Reason::TableNotRam { level },
            DeadEnd::Unread(status) => return Reason::Read(*status).into(),
            DeadEnd::No(NoEntry::Empty | NoEntry::NotPresent) => Reason::NotPresent { level },
            DeadEnd::No(NoEntry::Reserved) => Reason::ReservedBits { level },
            DeadEnd::NonCanonical => {
                return Hole {
                    reason: Reason::NonCanonical,
                    length: self.levels.system_start().saturating_sub(address),
                };
            }
        };
        Hole {
            reason,
            length: at.bytes_from(address),
        }
    }

    /// Returns the number of bytes from `address` on that have no page and that the operating system
    /// cannot page in: addresses that are not canonical, and those of an entry that is zero. 0 if
    /// `address` may be readable, now or when it is paged in, or if that is not known.
    ///
    /// The entry of a system page that is paged out, or that is filled on demand, is not zero. That
    /// does not hold for user addresses, whose state the operating system keeps elsewhere: Windows
    /// Internals, part 1, "Page fault handling".
    #[must_use]
    pub fn unused_from(&self, address: u64) -> u64 {
        match self.look_up(address) {
            Err((level, end @ (DeadEnd::No(NoEntry::Empty) | DeadEnd::NonCanonical))) => {
                self.hole(address, level, &end).length
            }
            Ok(_) | Err(_) => 0,
        }
    }

    /// Returns the mapping of an address, or the level at which the walk ended, and why.
    #[inline]
    fn look_up(&self, address: u64) -> Result<Mapping, (Level, DeadEnd)> {
        let root = self.levels.root();
        if !self.levels.is_canonical(address) {
            return Err((root, DeadEnd::NonCanonical));
        }
        let end = self.memory.end();
        if self.root >= end {
            return Err((root, DeadEnd::NoRam));
        }
        let last = self.remembered.get();
        let (mut table, mut level) = if last.region == LastTable::region(last.level, address) {
            (last.physical, last.level)
        } else {
            (self.root, root)
        };
        let found = loop {
            match self.entry(table, level, address, end) {
                Ok(Entry::Table(next)) => {
                    table = next;
                    level = level.below();
                }
                Ok(Entry::Page(frame)) => break Ok(frame),
                Err(end) => break Err((level, end)),
            }
        };
        self.remembered.set(LastTable {
            level,
            region: LastTable::region(level, address),
            physical: table,
        });
        let mask = level.offset_mask();
        let offset = address & mask;
        found.map(|frame| Mapping {
            physical: frame | offset,
            length: mask.wrapping_sub(offset).wrapping_add(1),
        })
    }
}

impl<M: PhysicalMemory> Translate for PageTableWalk<M> {
    /// # Errors
    ///
    /// [`Reason::NonCanonical`], [`Reason::TableNotRam`], [`Reason::NotPresent`],
    /// [`Reason::ReservedBits`], or [`Reason::Read`] if an entry could not be read.
    #[inline]
    fn translate(&self, address: u64) -> Result<Mapping, Hole> {
        self.look_up(address)
            .map_err(|(level, end)| self.hole(address, level, &end))
    }

    fn system_start(&self) -> u64 {
        self.levels.system_start()
    }
}
