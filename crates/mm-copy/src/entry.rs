//! One page-table entry, as the processor reads it.
//!
//! The format, and which bits are reserved at which level: Intel 64 and IA-32 Architectures
//! Software Developer's Manual, volume 3A, section 4.5 "4-Level Paging and 5-Level Paging".

/// An entry that is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It points to the table of the next level down, at this physical address.
    Table(u64),
    /// It maps a page that begins at this physical address.
    Page(u64),
}

/// Why an entry leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// All of its bits are zero.
    Empty,
    /// It is not present, and holds something else.
    NotPresent,
    Reserved,
}

const PRESENT: u64 = 1;
/// "Page size" in entries of levels 2 and 3, part of the memory type at level 1, reserved above.
const PAGE: u64 = 1 << 7;
/// Part of the memory type in an entry that maps a large page; not part of its address.
const LARGE_PAGE_ATTRIBUTE: u64 = 1 << 12;
/// Bits 12 to 51: the most that an entry can hold of a physical address.
pub(crate) const ADDRESS: u64 = 0x000F_FFFF_FFFF_F000;

/// The page table: the level whose entries map 4 KiB each.
pub(crate) const LOWEST_LEVEL: u8 = 1;
/// The page-directory-pointer table: the highest level whose entries may map a page, of 1 GiB.
const HIGHEST_LEVEL_OF_PAGES: u8 = 3;

/// Bytes in an entry.
pub(crate) const SIZE: u64 = 8;

/// How many of an address's low bits an entry of `level`, 1 to 5, leaves untranslated.
const fn shift(level: u8) -> u32 {
    match level {
        1 => 12,
        2 => 21,
        3 => 30,
        4 => 39,
        _ => 48,
    }
}

/// The bits of an address that an entry of `level` leaves untranslated.
pub(crate) const fn offset_mask(level: u8) -> u64 {
    !u64::MAX.wrapping_shl(shift(level))
}

/// How many bytes from `address` on an entry of `level` translates.
pub(crate) const fn bytes_from(address: u64, level: u8) -> u64 {
    (!address & offset_mask(level)).saturating_add(1)
}

/// Where in a table of `level` the entry for `address` is, in bytes.
pub(crate) const fn offset_in_table(address: u64, level: u8) -> u64 {
    (address.wrapping_shr(shift(level)) & 0x1FF) << 3
}

/// What the entry `raw` of `level` says to a processor whose physical addresses have
/// `address_bits` bits. Of an entry that is not present, nothing is looked at but whether it is zero.
pub(crate) const fn decode(raw: u64, level: u8, address_bits: u32) -> Result<Entry, NoEntry> {
    if raw & PRESENT == 0 {
        return Err(match raw {
            0 => NoEntry::Empty,
            _ => NoEntry::NotPresent,
        });
    }
    let width = match 1_u64.checked_shl(address_bits) {
        Some(end) => end.wrapping_sub(1),
        None => u64::MAX,
    };
    let address = raw & ADDRESS;
    if address & !width != 0 {
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
