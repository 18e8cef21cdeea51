//! The lab's mixed mappings: system virtual memory of every kind, and the expected result of a copy
//! from it.

use ringcopy_lab_mailbox::{Command, Mapping, MappingKind, RamRange};

use crate::{Lab, LabError};

/// How a copy reads memory that is not present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// It walks the tables: memory that is not present cannot be read.
    Walk,
    /// It lets the memory manager bring pages in.
    MemoryManager,
}

/// The mixed mappings, as the lab made them.
///
/// Their RAM is one block of constant bytes, which small pages, large pages and the 1 GiB page all
/// map. The list of [`mappings`](Self::mappings) describes every address.
#[derive(Clone, Debug)]
pub struct MixedMappings {
    mappings: Vec<Mapping>,
    ram: Vec<RamRange>,
    block: u64,
    bytes: Vec<u8>,
}

impl MixedMappings {
    pub(crate) fn of(lab: &Lab) -> Result<Self, LabError> {
        let reply = lab.done(Command::MixedMappings, &[], &[])?;
        let [block, length, ..] = reply.results;
        Ok(Self {
            mappings: reply.records(),
            ram: lab.ram_ranges()?,
            block,
            bytes: lab.read_physical(block, length)?,
        })
    }

    /// Returns the mappings in the order of their addresses. Nothing is mapped between them.
    #[must_use]
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// Returns the mappings of one kind.
    pub fn of_kind(&self, kind: MappingKind) -> impl Iterator<Item = &Mapping> {
        self.mappings
            .iter()
            .filter(move |mapping| mapping.kind == kind as u64)
    }

    /// Returns the mapping of an address.
    #[must_use]
    pub fn mapping_at(&self, address: u64) -> Option<&Mapping> {
        let position = self
            .mappings
            .partition_point(|mapping| mapping.address <= address)
            .checked_sub(1)?;
        self.mappings
            .get(position)
            .filter(|mapping| address - mapping.address < mapping.length)
    }

    /// Returns the block's physical address and its bytes, which never change.
    #[must_use]
    pub fn block(&self) -> (u64, &[u8]) {
        (self.block, &self.bytes)
    }

    /// Returns how many bytes a copy of `length` bytes from a virtual address has to copy.
    #[must_use]
    pub fn readable(&self, address: u64, length: u64, reader: Reader) -> u64 {
        let mut done = 0;
        while done < length {
            let Some(at) = address.checked_add(done) else {
                break;
            };
            let count = self.readable_of_tile(at, reader);
            if count == 0 {
                break;
            }
            done += count;
        }
        done.min(length)
    }

    /// As [`readable`](Self::readable), from an address to the end of its mapping.
    fn readable_of_tile(&self, address: u64, reader: Reader) -> u64 {
        let Some(mapping) = self.mapping_at(address) else {
            return 0;
        };
        let offset = address - mapping.address;
        let left = mapping.length - offset;
        match MappingKind::from_wire(mapping.kind) {
            Some(MappingKind::Ram | MappingKind::ReadOnly | MappingKind::Executable) => left,
            Some(MappingKind::PagedOut) if reader == Reader::MemoryManager => left,
            Some(MappingKind::Mixed) => self.ram_from(mapping.physical + offset).min(left),
            _ => 0,
        }
    }

    /// Returns the number of bytes of RAM that start at a physical address.
    #[must_use]
    pub fn ram_from(&self, address: u64) -> u64 {
        let mut end = address;
        // Adjacent ranges may be listed one by one.
        while let Some(range) = self
            .ram
            .iter()
            .find(|range| end >= range.base && end - range.base < range.length)
        {
            end = range.base + range.length;
        }
        end - address
    }

    /// Whether the bytes copied from a virtual address are right. Only bytes of the block are
    /// compared: other RAM may have changed.
    #[must_use]
    pub fn agrees(&self, address: u64, copied: &[u8]) -> bool {
        let mut done = 0;
        while done < copied.len() {
            let at = address.wrapping_add(done as u64);
            let Some(mapping) = self.mapping_at(at) else {
                return false;
            };
            let offset = at - mapping.address;
            let left = usize::try_from(mapping.length - offset).unwrap_or(usize::MAX);
            let count = left.min(copied.len() - done);
            if !self.agrees_physically(mapping.physical + offset, &copied[done..done + count]) {
                return false;
            }
            done += count;
        }
        true
    }

    /// As [`agrees`](Self::agrees), for a physical address.
    #[must_use]
    pub fn agrees_physically(&self, address: u64, copied: &[u8]) -> bool {
        let end = self.block + self.bytes.len() as u64;
        let first = self.block.saturating_sub(address).min(copied.len() as u64);
        let last = end.saturating_sub(address).min(copied.len() as u64);
        let (Ok(first), Ok(last)) = (usize::try_from(first), usize::try_from(last)) else {
            return false;
        };
        let Some(inside) = copied.get(first..last) else {
            return true;
        };
        let offset = (address + first as u64).saturating_sub(self.block);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        inside.is_empty()
            || self
                .bytes
                .get(offset..)
                .is_some_and(|bytes| bytes.starts_with(inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(address: u64, length: u64, kind: MappingKind, physical: u64) -> Mapping {
        Mapping {
            address,
            length,
            page: length,
            kind: kind as u64,
            physical,
        }
    }

    fn example() -> MixedMappings {
        MixedMappings {
            mappings: vec![
                mapping(0x1000, 0x1000, MappingKind::Ram, 0x10_1000),
                mapping(0x2000, 0x1000, MappingKind::PagedOut, 0x10_0000),
                mapping(0x3000, 0x1000, MappingKind::Apic, 0xFEE0_0000),
                mapping(0x8000, 0x4000, MappingKind::Mixed, 0xF_F000),
            ],
            ram: vec![RamRange {
                base: 0x10_0000,
                length: 0x2000,
            }],
            block: 0x10_0000,
            bytes: (0..0x2000_u32).map(|offset| (offset % 251) as u8).collect(),
        }
    }

    #[test]
    fn a_copy_ends_where_a_walk_does() {
        let mixed = example();
        assert_eq!(mixed.readable(0x1800, 0x4000, Reader::Walk), 0x800);
        assert_eq!(
            mixed.readable(0x1800, 0x4000, Reader::MemoryManager),
            0x1800
        );
        assert_eq!(mixed.readable(0x3000, 1, Reader::MemoryManager), 0);
        assert_eq!(mixed.readable(0x8000, 1, Reader::Walk), 0);
        assert_eq!(mixed.readable(0x9FFF, 0x9000, Reader::Walk), 0x1001);
        assert_eq!(mixed.readable(u64::MAX, 10, Reader::Walk), 0);
    }

    #[test]
    fn bytes_of_the_block_are_compared() {
        let mixed = example();
        let (_, bytes) = mixed.block();
        let right = [&bytes[0x1FFF..], &bytes[..16]].concat();
        assert!(mixed.agrees(0x1FFF, &right));
        let mut wrong = right;
        wrong[16] ^= 1;
        assert!(!mixed.agrees(0x1FFF, &wrong));
        // Bytes around the block are not compared.
        let around = [&[7; 3][..], bytes, &[9; 3]].concat();
        assert!(mixed.agrees_physically(0xF_FFFD, &around));
        assert!(mixed.agrees_physically(0x50_0000, &[1, 2, 3]));
        assert!(!mixed.agrees_physically(0x10_0000, &[1, 2, 3]));
    }
}
