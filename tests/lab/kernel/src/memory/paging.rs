//! Page tables, with four levels or five.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use super::layout::LINEAR_LENGTH;
use super::{PAGE, frames, phys};
use crate::cpu;
use crate::global::Global;

/// Bits of an entry.
pub(crate) mod bits {
    pub(crate) const PRESENT: u64 = 1;
    pub(crate) const WRITE: u64 = 1 << 1;
    pub(crate) const USER: u64 = 1 << 2;
    pub(crate) const WRITE_THROUGH: u64 = 1 << 3;
    pub(crate) const CACHE_DISABLE: u64 = 1 << 4;
    pub(crate) const LARGE: u64 = 1 << 7;
    pub(crate) const NO_EXECUTE: u64 = 1 << 63;
    /// The address of the next table, or of the page.
    pub(crate) const ADDRESS: u64 = 0x000F_FFFF_FFFF_F000;

    /// Data of the kernel.
    pub(crate) const KERNEL_DATA: u64 = PRESENT | WRITE | NO_EXECUTE;
    /// Device registers.
    pub(crate) const UNCACHED: u64 = WRITE_THROUGH | CACHE_DISABLE;
}

static LEVELS: AtomicU32 = AtomicU32::new(4);
static WIDTH: AtomicU32 = AtomicU32::new(52);

/// Reads the number of levels that `boot.s` has chosen, and the processor's address width.
pub(crate) fn initialize() {
    WIDTH.store(cpu::physical_address_bits(), Ordering::Relaxed);
    if cpu::read_cr4() & cpu::cr4::LA57 != 0 {
        LEVELS.store(5, Ordering::Relaxed);
    }
}

/// Levels of tables that the processor walks.
pub(crate) fn levels() -> u32 {
    LEVELS.load(Ordering::Relaxed)
}

/// Bits in a physical address.
pub(crate) fn width() -> u32 {
    WIDTH.load(Ordering::Relaxed)
}

/// Whether the processor faults on a present entry of a level, because its address is too wide or
/// is not the start of a page of that size. Source: Intel SDM volume 3, "4-Level Paging and 5-Level
/// Paging", on reserved bits.
pub(crate) fn is_malformed(entry: u64, level: u32) -> bool {
    let address = entry & bits::ADDRESS;
    let large = level > 1 && entry & bits::LARGE != 0;
    // Bit 12 of an entry that maps a large page chooses the memory type.
    let inside = if large { page_length(level) - 1 } else { 0 } & !(1 << 12);
    address >> width() != 0 || large && (level > 3 || address & inside != 0)
}

/// Bytes that one entry of a level maps.
pub(crate) const fn page_length(level: u32) -> u64 {
    1 << (12 + 9 * (level - 1))
}

/// Returns the index of an address in a table of a level (1: the table of 4 KiB pages).
pub(crate) const fn index(address: u64, level: u32) -> u64 {
    address >> (12 + 9 * (level - 1)) & 511
}

/// Whether an address is canonical: its upper bits equal the highest translated bit.
pub(crate) fn is_canonical(address: u64) -> bool {
    let unused = 64 - (12 + 9 * levels());
    let extended = ((address << unused) as i64 >> unused) as u64;
    extended == address
}

/// The end of a walk: the entry that maps a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Translation {
    /// The physical address.
    pub(crate) physical: u64,
    /// Writes are allowed on every level.
    pub(crate) write: bool,
    /// User mode is allowed on every level.
    pub(crate) user: bool,
    /// Execution is allowed on every level.
    pub(crate) execute: bool,
}

/// Held while tables are made: two processors may need the same one.
static MAKING: Global<()> = Global::new(());

/// A tree of tables, by the physical address of its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tables(pub(crate) u64);

impl Tables {
    /// Returns the processor's current tree.
    pub(crate) fn current() -> Self {
        Self(cpu::read_cr3() & bits::ADDRESS)
    }

    pub(crate) fn activate(self) {
        cpu::write_cr3(self.0);
    }

    /// Walks the tables as the processor does.
    pub(crate) fn walk(self, address: u64) -> Option<Translation> {
        if !is_canonical(address) {
            return None;
        }
        let (mut table, mut write, mut user, mut execute) = (self.0, true, true, true);
        for level in (1..=levels()).rev() {
            // All of the lab's own tables are below.
            if table >= LINEAR_LENGTH {
                return None;
            }
            let entry = phys::read_entry(table + index(address, level) * 8);
            if entry & bits::PRESENT == 0 || is_malformed(entry, level) {
                return None;
            }
            write &= entry & bits::WRITE != 0;
            user &= entry & bits::USER != 0;
            execute &= entry & bits::NO_EXECUTE == 0;
            if level == 1 || (level <= 3 && entry & bits::LARGE != 0) {
                let inside = page_length(level) - 1;
                return Some(Translation {
                    physical: (entry & bits::ADDRESS & !inside) | (address & inside),
                    write,
                    user,
                    execute,
                });
            }
            table = entry & bits::ADDRESS;
        }
        None
    }

    /// Returns the physical address of the entry of a 4 KiB page, if its table exists.
    pub(crate) fn entry_of(self, address: u64) -> Option<u64> {
        let mut table = self.0;
        for level in (2..=levels()).rev() {
            let entry = phys::read_entry(table + index(address, level) * 8);
            if entry & bits::PRESENT == 0 || entry & bits::LARGE != 0 {
                return None;
            }
            table = entry & bits::ADDRESS;
            if table >= LINEAR_LENGTH {
                return None;
            }
        }
        Some(table + index(address, 1) * 8)
    }

    /// As [`entry_of`](Self::entry_of), and makes missing tables; `None` if memory runs out.
    pub(crate) fn make_entry(self, address: u64) -> Option<u64> {
        self.make_table(address, 1)
            .map(|table| table + index(address, 1) * 8)
    }

    /// Returns the table of a level for an address, and makes missing tables; `None` if memory runs
    /// out.
    pub(crate) fn make_table(self, address: u64, level: u32) -> Option<u64> {
        MAKING.with(|()| self.make_table_alone(address, level))
    }

    fn make_table_alone(self, address: u64, level: u32) -> Option<u64> {
        // An upper table allows the access of any of its pages; user pages are in the lower half.
        let allowed = if super::layout::is_lower_half(address) {
            bits::PRESENT | bits::WRITE | bits::USER
        } else {
            bits::PRESENT | bits::WRITE
        };
        let mut table = self.0;
        for upper in (level + 1..=levels()).rev() {
            let place = table + index(address, upper) * 8;
            let mut entry = phys::read_entry(place);
            assert!(
                entry & bits::LARGE == 0 || entry & bits::PRESENT == 0,
                "{address:#x} is inside a large page"
            );
            if entry & bits::PRESENT == 0 {
                entry = frames::allocate()? | allowed;
                phys::write_entry(place, entry);
            }
            table = entry & bits::ADDRESS;
        }
        Some(table)
    }

    /// Maps one page. The entry was empty.
    pub(crate) fn map(self, address: u64, frame: u64, flags: u64) -> Option<()> {
        let place = self.make_entry(address)?;
        assert_eq!(
            phys::read_entry(place),
            0,
            "{address:#x} is already mapped, or was not left clean"
        );
        phys::write_entry(place, frame | flags);
        Some(())
    }

    /// Clears the entry of a page and returns its old value.
    pub(crate) fn unmap(self, address: u64) -> u64 {
        let Some(place) = self.entry_of(address) else {
            return 0;
        };
        let entry = phys::read_entry(place);
        phys::write_entry(place, 0);
        cpu::invalidate_page(address);
        entry
    }

    /// Replaces the entry of a page whose table exists.
    pub(crate) fn set(self, address: u64, entry: u64) {
        if let Some(place) = self.entry_of(address) {
            phys::write_entry(place, entry);
            cpu::invalidate_page(address);
        }
    }

    /// Returns the entry of a page; 0 if there is no table for it.
    pub(crate) fn get(self, address: u64) -> u64 {
        self.entry_of(address).map_or(0, phys::read_entry)
    }

    /// Frees the tables of the lower half, whose pages are freed already.
    pub(crate) fn free_lower_half(self) {
        let mut pending = Vec::new();
        for slot in 0..256 {
            let entry = phys::read_entry(self.0 + slot * 8);
            if entry & bits::PRESENT != 0 {
                pending.push((entry & bits::ADDRESS, levels() - 1));
            }
        }
        while let Some((table, level)) = pending.pop() {
            if level > 1 {
                for slot in 0..512 {
                    let entry = phys::read_entry(table + slot * 8);
                    if entry & bits::PRESENT != 0 {
                        pending.push((entry & bits::ADDRESS, level - 1));
                    }
                }
            }
            frames::free(table);
        }
    }
}

/// Returns the next page boundary above an address.
pub(crate) const fn next_page(address: u64) -> u64 {
    (address | (PAGE - 1)) + 1
}
