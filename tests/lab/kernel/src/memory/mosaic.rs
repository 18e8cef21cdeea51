//! The mosaic: system virtual memory of every kind that page tables can make, side by side.
//!
//! Nobody but the engines under test is meant to read it, and no kind of it but RAM may ever be
//! read. Its RAM is one block of 2 MiB that holds constant bytes; small pages, large pages and the
//! window of 1 GiB over physical memory all show that block, so that whoever confuses two pages
//! gives out wrong bytes.

use alloc::vec::Vec;

use ringcopy_lab_mailbox::{Tile, TileKind};

use super::layout::MOSAIC;
use super::paging::{self, Tables, bits, index, page_length};
use super::ranges::{self, HOLE};
use super::{PAGE, frames, kernel_space, paging_file, phys};
use crate::global::Global;
use crate::{cpu, pci, random, raw, smp};

/// Bytes of the block, and of a page that an entry of the next-to-last level maps.
const LARGE: u64 = page_length(2);
const HUGE: u64 = page_length(3);

/// Small pages that one table maps.
const SMALL_PAGES: u64 = LARGE / PAGE;

/// What the small pages are, beginning with one of each.
const KINDS: [TileKind; 13] = [
    TileKind::Unmapped,
    TileKind::Ram,
    TileKind::ReadOnly,
    TileKind::Executable,
    TileKind::Reserved,
    TileKind::Apic,
    TileKind::Device,
    TileKind::Firmware,
    TileKind::BeyondRam,
    TileKind::Malformed,
    TileKind::PagedOut,
    TileKind::Lost,
    TileKind::Ram,
];

/// An address bit that no large page's address may have.
const MISALIGNED: u64 = 1 << 13;

/// Where it is, and what it is made of.
#[derive(Clone)]
pub(crate) struct Mosaic {
    /// The physical address of the block.
    pub(crate) block: u64,
    pub(crate) tiles: Vec<Tile>,
}

impl Mosaic {
    pub(crate) const BLOCK_LENGTH: u64 = LARGE;
}

static LAID: Global<Option<Mosaic>> = Global::new(None);

/// The mosaic, laid out when it is first asked for; `None` if there is no memory for it.
pub(crate) fn lay() -> Option<Mosaic> {
    if let Some(mosaic) = LAID.with(|laid| laid.clone()) {
        return Some(mosaic);
    }
    let mosaic = Layer::start()?.lay()?;
    LAID.with(|laid| *laid = Some(mosaic.clone()));
    Some(mosaic)
}

/// Whether an address starts a small page of the mosaic's that is plain RAM.
pub(crate) fn is_small_ram(address: u64) -> bool {
    LAID.with(|laid| {
        laid.as_ref().is_some_and(|mosaic| {
            mosaic.tiles.iter().any(|tile| {
                tile.address == address && tile.page == PAGE && tile.kind == TileKind::Ram as u64
            })
        })
    })
}

struct Layer {
    tables: Tables,
    block: u64,
    device: Option<pci::Device>,
    tiles: Vec<Tile>,
}

impl Layer {
    fn start() -> Option<Self> {
        let block = (LARGE..ranges::end())
            .step_by(LARGE as usize)
            .find_map(|lowest| {
                frames::allocate_contiguous(SMALL_PAGES, lowest, lowest + (LARGE - 1), 0)
            })?;
        let mut value = random::next() | 1;
        for place in (0..LARGE).step_by(8) {
            // Generator: xorshift64 (Marsaglia 2003).
            value ^= value << 13;
            value ^= value >> 7;
            value ^= value << 17;
            raw::write(phys::linear(block + place), value);
        }
        Some(Self {
            tables: kernel_space::system(),
            block,
            device: pci::first_with_memory(),
            tiles: Vec::new(),
        })
    }

    fn lay(mut self) -> Option<Mosaic> {
        let mut at = MOSAIC + HUGE - 2 * LARGE;
        self.small_pages(at)?;
        self.large(at + LARGE, TileKind::Ram, self.block)?;
        // All RAM, what lies in its holes, and what lies behind it.
        self.huge(MOSAIC + HUGE, TileKind::Mixed, 0)?;

        let device = self.device.map_or((TileKind::Apic, smp::APIC), |device| {
            (TileKind::Device, device.address)
        });
        let last_of_ram = (ranges::end() - 1) & !(LARGE - 1);
        at = MOSAIC + 2 * HUGE;
        for (kind, physical) in [
            (TileKind::Mixed, HOLE.start & !(LARGE - 1)),
            (device.0, device.1 & !(LARGE - 1)),
            (TileKind::Malformed, self.block | MISALIGNED),
            (TileKind::Malformed, self.too_wide()),
            (TileKind::Mixed, last_of_ram),
            (TileKind::BeyondRam, ranges::end().next_multiple_of(LARGE)),
        ] {
            self.large(at, TileKind::Ram, self.block)?;
            self.large(at + LARGE, kind, physical)?;
            at += 2 * LARGE;
        }
        self.small_pages(at)?;
        for table in [HOLE.start + PAGE, smp::APIC] {
            self.large(at + LARGE, TileKind::Ram, self.block)?;
            self.behind_table(at + 2 * LARGE, table)?;
            at += 2 * LARGE;
        }
        self.large(at + LARGE, TileKind::Ram, self.block)?;

        self.huge(MOSAIC + 3 * HUGE, TileKind::Device, 3 * HUGE)?;
        self.huge(MOSAIC + 4 * HUGE, TileKind::Malformed, MISALIGNED)?;
        Some(Mosaic {
            block: self.block,
            tiles: self.tiles,
        })
    }

    /// A physical address that the processor does not have; all ones if it has all that an entry
    /// can name, which makes any large page malformed and is no small one's.
    fn too_wide(&self) -> u64 {
        1_u64
            .checked_shl(paging::width())
            .map_or(bits::ADDRESS, |beyond| beyond & bits::ADDRESS | self.block)
    }

    fn add(&mut self, address: u64, page: u64, kind: TileKind, physical: u64) {
        self.tiles.push(Tile {
            address,
            length: page,
            page,
            kind: kind as u64,
            physical,
        });
    }

    fn write(&self, address: u64, level: u32, entry: u64) -> Option<()> {
        let table = self.tables.make_table(address, level)?;
        phys::write_entry(table + index(address, level) * 8, entry);
        Some(())
    }

    fn large(&mut self, address: u64, kind: TileKind, physical: u64) -> Option<()> {
        self.write(address, 2, physical | flags(kind) | bits::LARGE)?;
        self.add(address, LARGE, kind, physical);
        Some(())
    }

    /// A page of 1 GiB, if the processor has such.
    fn huge(&mut self, address: u64, kind: TileKind, physical: u64) -> Option<()> {
        if cpu::has_gigabyte_pages() {
            self.write(address, 3, physical | flags(kind) | bits::LARGE)?;
            self.add(address, HUGE, kind, physical);
        }
        Some(())
    }

    /// What a table maps that lies where no table may be. The one in reserved memory names the
    /// block's pages; the other's entries are a device's registers.
    fn behind_table(&mut self, address: u64, table: u64) -> Option<()> {
        if HOLE.contains(table) {
            for page in 0..SMALL_PAGES {
                let entry = (self.block + page * PAGE) | bits::KERNEL_DATA;
                phys::write_entry(table + page * 8, entry);
            }
        }
        self.write(address, 2, table | bits::PRESENT | bits::WRITE)?;
        self.add(address, LARGE, TileKind::TableElsewhere, table);
        Some(())
    }

    /// The small pages of one table.
    fn small_pages(&mut self, address: u64) -> Option<()> {
        for page in 0..SMALL_PAGES {
            // Every other page, more or less, is plain RAM.
            let kind = match KINDS.get(page as usize) {
                Some(&kind) => kind,
                None if random::below(2) == 0 => TileKind::Ram,
                None => KINDS[random::below(KINDS.len() as u64) as usize],
            };
            self.small(address + page * PAGE, kind)?;
        }
        Some(())
    }

    fn small(&mut self, address: u64, kind: TileKind) -> Option<()> {
        let of_block = self.block + random::below(SMALL_PAGES) * PAGE;
        let physical = match kind {
            TileKind::Reserved => HOLE.start + random::below((HOLE.end - HOLE.start) / PAGE) * PAGE,
            TileKind::Apic => smp::APIC,
            TileKind::Device => self.device.map_or(smp::APIC, |device| {
                device.address + random::below(device.length / PAGE) * PAGE
            }),
            TileKind::Firmware => {
                let kept = ranges::firmware();
                kept[random::below(kept.len() as u64) as usize].start
            }
            TileKind::BeyondRam => ranges::end() + random::below(SMALL_PAGES) * PAGE,
            TileKind::Malformed => self.too_wide(),
            _ => of_block,
        };
        let place = self.tables.make_entry(address)?;
        match kind {
            TileKind::PagedOut | TileKind::Lost => {
                let lost = kind == TileKind::Lost;
                paging_file::add(address, phys::linear(of_block), lost);
            }
            TileKind::Unmapped => {}
            _ => phys::write_entry(place, physical | flags(kind)),
        }
        self.add(address, PAGE, kind, physical);
        Some(())
    }
}

const fn flags(kind: TileKind) -> u64 {
    match kind {
        TileKind::ReadOnly => bits::PRESENT | bits::NO_EXECUTE,
        TileKind::Executable => bits::PRESENT,
        TileKind::Apic | TileKind::Device => bits::KERNEL_DATA | bits::UNCACHED,
        _ => bits::KERNEL_DATA,
    }
}
