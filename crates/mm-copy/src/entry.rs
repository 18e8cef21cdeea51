//! Page-table entries, as the processor reads them.
//!
//! The format, and which bits are reserved at which level: Intel 64 and IA-32 Architectures
//! Software Developer's Manual, volume 3A, section 4.5 "4-Level Paging and 5-Level Paging".

/// The meaning of a present entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The table of the next lower level is at this physical address.
    Table(u64),
    /// A page at this physical address is mapped.
    Page(u64),
}

/// Why an entry maps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// All bits are zero.
    Empty,
    /// The present bit is clear, and another bit is set.
    NotPresent,
    Reserved,
}

const PRESENT: u64 = 1;
/// "Page size" in entries of levels 2 and 3, part of the memory type at level 1, reserved above.
const PAGE: u64 = 1 << 7;
/// Part of the memory type in an entry that maps a large page; not part of its address.
const LARGE_PAGE_ATTRIBUTE: u64 = 1 << 12;
/// Bits 12 to 51: the physical address in an entry.
pub(crate) const ADDRESS: u64 = 0x000F_FFFF_FFFF_F000;

/// The length of an entry in bytes.
pub(crate) const SIZE: u64 = 8;

/// A level of the tables, by 9 times its number: an entry translates all address bits but so many and
/// three more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(u32);

impl Level {
    /// Level 1, the page table, whose entries map 4 KiB each.
    const LOWEST: Self = Self(9);
    /// Level 3, the highest whose entries may map a page, of 1 GiB.
    const HIGHEST_OF_PAGES: Self = Self(27);
    pub(crate) const FOUR: Self = Self(36);
    pub(crate) const FIVE: Self = Self(45);

    /// Returns the number of the level, 1 to 5.
    pub(crate) const fn number(self) -> u8 {
        // At most 5.
        #[expect(clippy::cast_possible_truncation)]
        let number = (self.0 / 9) as u8;
        number
    }

    /// Returns the next lower level.
    #[inline]
    pub(crate) const fn below(self) -> Self {
        Self(self.0.wrapping_sub(9))
    }

    /// Returns the next higher level.
    #[inline]
    pub(crate) const fn above(self) -> Self {
        Self(self.0.wrapping_add(9))
    }

    /// Returns the address bits that an entry does not translate.
    #[inline]
    pub(crate) const fn offset_mask(self) -> u64 {
        !(u64::MAX << 3).wrapping_shl(self.0)
    }

    /// Returns the number of bytes from `address` on that an entry translates.
    #[inline]
    pub(crate) const fn bytes_from(self, address: u64) -> u64 {
        (!address & self.offset_mask()).saturating_add(1)
    }

    /// Returns the offset in bytes, in a table, of the entry for `address`.
    #[inline]
    pub(crate) const fn offset_in_table(self, address: u64) -> u64 {
        address.wrapping_shr(self.0) & 0x1FF << 3
    }
}

/// Decodes the entry `raw` of `level` for a processor whose physical addresses are below `end`. An entry
/// that is not present is only compared with zero. An entry of the lowest level is never a table.
#[inline]
pub(crate) const fn decode(raw: u64, level: Level, end: u64) -> Result<Entry, NoEntry> {
    if raw & PRESENT == 0 {
        return Err(match raw {
            0 => NoEntry::Empty,
            _ => NoEntry::NotPresent,
        });
    }
    let address = raw & ADDRESS;
    if address >= end {
        return Err(NoEntry::Reserved);
    }
    if level.0 == Level::LOWEST.0 {
        return Ok(Entry::Page(address));
    }
    if raw & PAGE == 0 {
        return Ok(Entry::Table(address));
    }
    let frame = address & !LARGE_PAGE_ATTRIBUTE;
    if level.0 > Level::HIGHEST_OF_PAGES.0 || frame & level.offset_mask() != 0 {
        return Err(NoEntry::Reserved);
    }
    Ok(Entry::Page(frame))
}
