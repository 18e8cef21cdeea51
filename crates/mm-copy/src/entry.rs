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

/// The page table: the level whose entries map 4 KiB each.
pub(crate) const LOWEST_LEVEL: u8 = 1;
/// The page-directory-pointer table: the highest level whose entries may map a page, of 1 GiB.
const HIGHEST_LEVEL_OF_PAGES: u8 = 3;

/// The length of an entry in bytes.
pub(crate) const SIZE: u64 = 8;

/// Returns the number of low address bits that an entry of `level`, 1 to 5, does not translate: 12 at
/// the lowest level, and 9 more at each above it.
#[inline]
const fn shift(level: u8) -> u32 {
    (level as u32).wrapping_mul(9).wrapping_add(3)
}

/// Returns the address bits that an entry of `level` does not translate.
#[inline]
pub(crate) const fn offset_mask(level: u8) -> u64 {
    !u64::MAX.wrapping_shl(shift(level))
}

/// Returns the number of bytes from `address` on that an entry of `level` translates.
#[inline]
pub(crate) const fn bytes_from(address: u64, level: u8) -> u64 {
    (!address & offset_mask(level)).saturating_add(1)
}

/// Returns the offset in bytes, in a table of `level`, of the entry for `address`.
#[inline]
pub(crate) const fn offset_in_table(address: u64, level: u8) -> u64 {
    (address.wrapping_shr(shift(level)) & 0x1FF) << 3
}

/// Decodes the entry `raw` of `level` for a processor whose physical addresses are below `end`. An entry
/// that is not present is only compared with zero.
#[inline]
pub(crate) const fn decode(raw: u64, level: u8, end: u64) -> Result<Entry, NoEntry> {
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
    if level == LOWEST_LEVEL {
        return Ok(Entry::Page(address));
    }
    if raw & PAGE == 0 {
        return Ok(Entry::Table(address));
    }
    let frame = address & !LARGE_PAGE_ATTRIBUTE;
    if level > HIGHEST_LEVEL_OF_PAGES || frame & offset_mask(level) != 0 {
        return Err(NoEntry::Reserved);
    }
    Ok(Entry::Page(frame))
}
