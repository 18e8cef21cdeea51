//! The lab's mosaic: system virtual memory of every kind, and what a copy of it has to come to.

use ringcopy_lab_mailbox::{Command, Tile, TileKind};
use zerocopy::FromBytes;

use crate::{Lab, LabError, RamRange};

/// Who copies, where that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Walks the tables: what is not present cannot be read.
    Walk,
    /// Has pages brought in that are out.
    MemoryManager,
}

/// The mosaic, as the lab laid it out.
///
/// Its RAM is one block of constant bytes, which small pages, large pages and the page of 1 GiB all
/// show. The list of [`tiles`](Self::tiles) tells what every address of it stands for.
#[derive(Clone, Debug)]
pub struct Mosaic {
    tiles: Vec<Tile>,
    ram: Vec<RamRange>,
    block: u64,
    bytes: Vec<u8>,
}

impl Mosaic {
    pub(crate) fn of(lab: &Lab) -> Result<Self, LabError> {
        let answer = lab.done(Command::Mosaic, &[], &[])?;
        let [block, length, ..] = answer.results;
        Ok(Self {
            tiles: answer
                .data
                .chunks_exact(size_of::<Tile>())
                .filter_map(|bytes| Tile::read_from_bytes(bytes).ok())
                .collect(),
            ram: lab.ram_ranges()?,
            block,
            bytes: lab.read_physical(block, length)?,
        })
    }

    /// Its pieces, in the order of their addresses; nothing is mapped between them.
    #[must_use]
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// The pieces of one kind.
    pub fn of_kind(&self, kind: TileKind) -> impl Iterator<Item = &Tile> {
        self.tiles
            .iter()
            .filter(move |tile| tile.kind == kind as u64)
    }

    /// The piece that an address is in.
    #[must_use]
    pub fn tile(&self, address: u64) -> Option<&Tile> {
        let position = self
            .tiles
            .partition_point(|tile| tile.address <= address)
            .checked_sub(1)?;
        self.tiles
            .get(position)
            .filter(|tile| address - tile.address < tile.length)
    }

    /// The block's first physical address, and its bytes, which never change.
    #[must_use]
    pub fn block(&self) -> (u64, &[u8]) {
        (self.block, &self.bytes)
    }

    /// How many bytes a copy of `length` bytes from a virtual address on has to give.
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

    /// The same, from one address on to the end of its piece.
    fn readable_of_tile(&self, address: u64, reader: Reader) -> u64 {
        let Some(tile) = self.tile(address) else {
            return 0;
        };
        let offset = address - tile.address;
        let left = tile.length - offset;
        match TileKind::from_wire(tile.kind) {
            Some(TileKind::Ram | TileKind::ReadOnly | TileKind::Executable) => left,
            Some(TileKind::PagedOut) if reader == Reader::MemoryManager => left,
            Some(TileKind::Mixed) => self.ram_from(tile.physical + offset).min(left),
            _ => 0,
        }
    }

    /// How many bytes from a physical address on are RAM.
    #[must_use]
    pub fn ram_from(&self, address: u64) -> u64 {
        let mut end = address;
        // A run may be listed in pieces.
        while let Some(range) = self
            .ram
            .iter()
            .find(|range| end >= range.base && end - range.base < range.length)
        {
            end = range.base + range.length;
        }
        end - address
    }

    /// Whether the bytes that a copy gave of a virtual address are right, as far as they are the
    /// block's: other RAM may have changed in the meantime.
    #[must_use]
    pub fn agrees(&self, address: u64, copied: &[u8]) -> bool {
        let mut done = 0;
        while done < copied.len() {
            let at = address.wrapping_add(done as u64);
            let Some(tile) = self.tile(at) else {
                return false;
            };
            let offset = at - tile.address;
            let left = usize::try_from(tile.length - offset).unwrap_or(usize::MAX);
            let count = left.min(copied.len() - done);
            if !self.agrees_physically(tile.physical + offset, &copied[done..done + count]) {
                return false;
            }
            done += count;
        }
        true
    }

    /// The same for a physical address.
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

    fn tile(address: u64, length: u64, kind: TileKind, physical: u64) -> Tile {
        Tile {
            address,
            length,
            page: length,
            kind: kind as u64,
            physical,
        }
    }

    fn mosaic() -> Mosaic {
        Mosaic {
            tiles: vec![
                tile(0x1000, 0x1000, TileKind::Ram, 0x10_1000),
                tile(0x2000, 0x1000, TileKind::PagedOut, 0x10_0000),
                tile(0x3000, 0x1000, TileKind::Apic, 0xFEE0_0000),
                tile(0x8000, 0x4000, TileKind::Mixed, 0xF_F000),
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
        let mosaic = mosaic();
        assert_eq!(mosaic.readable(0x1800, 0x4000, Reader::Walk), 0x800);
        assert_eq!(
            mosaic.readable(0x1800, 0x4000, Reader::MemoryManager),
            0x1800
        );
        assert_eq!(mosaic.readable(0x3000, 1, Reader::MemoryManager), 0);
        assert_eq!(mosaic.readable(0x8000, 1, Reader::Walk), 0);
        assert_eq!(mosaic.readable(0x9FFF, 0x9000, Reader::Walk), 0x1001);
        assert_eq!(mosaic.readable(u64::MAX, 10, Reader::Walk), 0);
    }

    #[test]
    fn bytes_are_held_to_the_block_where_they_are_the_blocks() {
        let mosaic = mosaic();
        let (_, bytes) = mosaic.block();
        let right = [&bytes[0x1FFF..], &bytes[..16]].concat();
        assert!(mosaic.agrees(0x1FFF, &right));
        let mut wrong = right;
        wrong[16] ^= 1;
        assert!(!mosaic.agrees(0x1FFF, &wrong));
        // Around the block, anything goes.
        let around = [&[7; 3][..], bytes, &[9; 3]].concat();
        assert!(mosaic.agrees_physically(0xF_FFFD, &around));
        assert!(mosaic.agrees_physically(0x50_0000, &[1, 2, 3]));
        assert!(!mosaic.agrees_physically(0x10_0000, &[1, 2, 3]));
    }
}
