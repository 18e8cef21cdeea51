//! The walk through page tables.

use core::cell::Cell;

use usermode_accessors::NtStatus;

use crate::{
    entry::{self, Entry, NoEntry},
    physical::{PhysicalMemory, end_of},
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
    const fn root(self) -> u8 {
        match self {
            Self::Four => 4,
            Self::Five => 5,
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

    /// Returns whether the bits above the virtual width repeat its highest bit.
    const fn is_canonical(self, address: u64) -> bool {
        let unused = match self {
            Self::Four => 16,
            Self::Five => 7,
        };
        let address = address.cast_signed();
        (address << unused) >> unused == address
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
/// A walk that finds no page returns the length of the hole: what its last entry translates, which is 4 KiB, 2 MiB, 1 GiB, 512 GiB or 256 TiB at levels 1 to 5.
#[derive(Clone, Debug)]
pub struct PageTableWalk<M> {
    memory: M,
    root: u64,
    levels: Levels,
    remembered: Cell<Option<LastTable>>,
}

/// The table in which a walk ended: its entry maps the page, or is not present.
#[derive(Clone, Copy, Debug)]
struct LastTable {
    level: u8,
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
    const fn region(level: u8, address: u64) -> u64 {
        address & !entry::offset_mask(level.saturating_add(1))
    }
}

impl<M: PhysicalMemory> PageTableWalk<M> {
    /// Returns a walk over the tables in `memory` that begins at `cr3`, the value of the register. Bits
    /// below 12 and above 51 are ignored.
    #[must_use]
    pub const fn new(memory: M, cr3: u64, levels: Levels) -> Self {
        Self {
            memory,
            root: cr3 & entry::ADDRESS,
            levels,
            remembered: Cell::new(None),
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
    fn entry(&self, table: u64, level: u8, address: u64, end: u64) -> Result<Entry, DeadEnd> {
        let location = table | entry::offset_in_table(address, level);
        if table >= end || self.memory.ram_from(location) < entry::SIZE {
            return Err(DeadEnd::NoRam);
        }
        match self.memory.read_u64(location) {
            Ok(raw) => entry::decode(raw, level, end).map_err(DeadEnd::No),
            Err(status) => Err(DeadEnd::Unread(status)),
        }
    }

    /// Returns the hole at `address`, whose walk ended at `level`.
    #[cold]
    fn hole(&self, address: u64, level: u8, end: &DeadEnd) -> Hole {
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
            length: entry::bytes_from(address, level),
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
    fn look_up(&self, address: u64) -> Result<Mapping, (u8, DeadEnd)> {
        if !self.levels.is_canonical(address) {
            return Err((self.levels.root(), DeadEnd::NonCanonical));
        }
        let (mut table, mut level) = match self.remembered.get() {
            Some(last) if last.region == LastTable::region(last.level, address) => {
                (last.physical, last.level)
            }
            _ => (self.root, self.levels.root()),
        };
        let end = end_of(self.memory.address_bits());
        let found = loop {
            match self.entry(table, level, address, end) {
                Ok(Entry::Table(next)) if level > entry::LOWEST_LEVEL => {
                    table = next;
                    level = level.wrapping_sub(1);
                }
                // Not reached: an entry of the lowest level is a page.
                Ok(Entry::Table(_)) => break Err(DeadEnd::No(NoEntry::NotPresent)),
                Ok(Entry::Page(frame)) => break Ok(frame),
                Err(end) => break Err(end),
            }
        };
        self.remembered.set(Some(LastTable {
            level,
            region: LastTable::region(level, address),
            physical: table,
        }));
        match found {
            Ok(frame) => {
                let mask = entry::offset_mask(level);
                let offset = address & mask;
                Ok(Mapping {
                    physical: frame | offset,
                    length: mask.saturating_sub(offset).saturating_add(1),
                })
            }
            Err(end) => Err((level, end)),
        }
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
