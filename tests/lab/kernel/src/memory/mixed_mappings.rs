//! Mixed mappings: system virtual memory of every kind that page tables can express, side by side.
//!
//! Only the engines under test read it, and RAM is the only kind that may be read. Its RAM is one
//! block of 2 MiB with constant bytes. Small pages, large pages and a 1 GiB page over physical
//! memory all map that block, so that code which confuses two pages returns wrong bytes.

use alloc::vec::Vec;

use ringcopy_lab_mailbox::{Mapping, MappingKind};

use super::layout::MIXED_MAPPINGS;
use super::paging::{self, Tables, bits, index, page_length};
use super::ranges::{self, HOLE};
use super::{PAGE, frames, kernel_space, paging_file, phys};
use crate::global::Global;
use crate::{cpu, pci, random, raw, smp};

/// Bytes of the block, and of a large page.
const LARGE: u64 = page_length(2);
const HUGE: u64 = page_length(3);

/// Small pages that one table maps.
const SMALL_PAGES: u64 = LARGE / PAGE;

/// The kinds of the small pages. The first pages have one of each.
const KINDS: [MappingKind; 13] = [
    MappingKind::Unmapped,
    MappingKind::Ram,
    MappingKind::ReadOnly,
    MappingKind::Executable,
    MappingKind::Reserved,
    MappingKind::Apic,
    MappingKind::Device,
    MappingKind::Firmware,
    MappingKind::BeyondRam,
    MappingKind::Malformed,
    MappingKind::PagedOut,
    MappingKind::Lost,
    MappingKind::Ram,
];

/// An address bit that is reserved in the entry of a large page.
const MISALIGNED: u64 = 1 << 13;

/// The block and the list of mappings.
#[derive(Clone)]
pub(crate) struct MixedMappings {
    /// The physical address of the block.
    pub(crate) block: u64,
    pub(crate) mappings: Vec<Mapping>,
}

impl MixedMappings {
    pub(crate) const BLOCK_LENGTH: u64 = LARGE;
}

static MADE: Global<Option<MixedMappings>> = Global::new(None);

/// Returns the mixed mappings, and makes them on the first call; `None` if memory runs out.
pub(crate) fn get() -> Option<MixedMappings> {
    if let Some(mixed) = MADE.with(|made| made.clone()) {
        return Some(mixed);
    }
    let mixed = Builder::start()?.build()?;
    MADE.with(|made| *made = Some(mixed.clone()));
    Some(mixed)
}

/// Whether a small page of plain RAM of the mixed mappings starts at an address.
pub(crate) fn is_small_ram(address: u64) -> bool {
    MADE.with(|made| {
        made.as_ref().is_some_and(|mixed| {
            mixed.mappings.iter().any(|mapping| {
                mapping.address == address
                    && mapping.page == PAGE
                    && mapping.kind == MappingKind::Ram as u64
            })
        })
    })
}

struct Builder {
    tables: Tables,
    block: u64,
    device: Option<pci::Device>,
    mappings: Vec<Mapping>,
}

impl Builder {
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
            mappings: Vec::new(),
        })
    }

    fn build(mut self) -> Option<MixedMappings> {
        let mut at = MIXED_MAPPINGS + HUGE - 2 * LARGE;
        self.small_pages(at)?;
        self.large(at + LARGE, MappingKind::Ram, self.block)?;
        // All RAM, its holes, and the addresses after it.
        self.huge(MIXED_MAPPINGS + HUGE, MappingKind::Mixed, 0)?;

        let device = self
            .device
            .map_or((MappingKind::Apic, smp::APIC), |device| {
                (MappingKind::Device, device.address)
            });
        let last_of_ram = (ranges::end() - 1) & !(LARGE - 1);
        at = MIXED_MAPPINGS + 2 * HUGE;
        for (kind, physical) in [
            (MappingKind::Mixed, HOLE.start & !(LARGE - 1)),
            (device.0, device.1 & !(LARGE - 1)),
            (MappingKind::Malformed, self.block | MISALIGNED),
            (MappingKind::Malformed, self.too_wide()),
            (MappingKind::Mixed, last_of_ram),
            (
                MappingKind::BeyondRam,
                ranges::end().next_multiple_of(LARGE),
            ),
        ] {
            self.large(at, MappingKind::Ram, self.block)?;
            self.large(at + LARGE, kind, physical)?;
            at += 2 * LARGE;
        }
        self.small_pages(at)?;
        for table in [HOLE.start + PAGE, smp::APIC] {
            self.large(at + LARGE, MappingKind::Ram, self.block)?;
            self.table_elsewhere(at + 2 * LARGE, table)?;
            at += 2 * LARGE;
        }
        self.large(at + LARGE, MappingKind::Ram, self.block)?;

        self.huge(MIXED_MAPPINGS + 3 * HUGE, MappingKind::Device, 3 * HUGE)?;
        self.huge(
            MIXED_MAPPINGS + 4 * HUGE,
            MappingKind::Malformed,
            MISALIGNED,
        )?;
        Some(MixedMappings {
            block: self.block,
            mappings: self.mappings,
        })
    }

    /// Returns a physical address that is too wide for the processor. If every address in an entry
    /// is valid, all ones: that is malformed in the entry of a large page, and of no RAM in a small
    /// one's.
    fn too_wide(&self) -> u64 {
        1_u64
            .checked_shl(paging::width())
            .map_or(bits::ADDRESS, |beyond| beyond & bits::ADDRESS | self.block)
    }

    fn add(&mut self, address: u64, page: u64, kind: MappingKind, physical: u64) {
        self.mappings.push(Mapping {
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

    fn large(&mut self, address: u64, kind: MappingKind, physical: u64) -> Option<()> {
        self.write(address, 2, physical | flags(kind) | bits::LARGE)?;
        self.add(address, LARGE, kind, physical);
        Some(())
    }

    /// Adds a page of 1 GiB, if the processor supports it.
    fn huge(&mut self, address: u64, kind: MappingKind, physical: u64) -> Option<()> {
        if cpu::has_gigabyte_pages() {
            self.write(address, 3, physical | flags(kind) | bits::LARGE)?;
            self.add(address, HUGE, kind, physical);
        }
        Some(())
    }

    /// Adds the range of a table that does not lie in RAM. A table in reserved memory maps the
    /// block's pages; the entries of the other one are a device's registers.
    fn table_elsewhere(&mut self, address: u64, table: u64) -> Option<()> {
        if HOLE.contains(table) {
            for page in 0..SMALL_PAGES {
                let entry = (self.block + page * PAGE) | bits::KERNEL_DATA;
                phys::write_entry(table + page * 8, entry);
            }
        }
        self.write(address, 2, table | bits::PRESENT | bits::WRITE)?;
        self.add(address, LARGE, MappingKind::TableElsewhere, table);
        Some(())
    }

    /// Adds the small pages of one table.
    fn small_pages(&mut self, address: u64) -> Option<()> {
        for page in 0..SMALL_PAGES {
            // About half of the pages are plain RAM.
            let kind = match KINDS.get(page as usize) {
                Some(&kind) => kind,
                None if random::below(2) == 0 => MappingKind::Ram,
                None => KINDS[random::below(KINDS.len() as u64) as usize],
            };
            self.small(address + page * PAGE, kind)?;
        }
        Some(())
    }

    fn small(&mut self, address: u64, kind: MappingKind) -> Option<()> {
        let of_block = self.block + random::below(SMALL_PAGES) * PAGE;
        let physical = match kind {
            MappingKind::Reserved => {
                HOLE.start + random::below((HOLE.end - HOLE.start) / PAGE) * PAGE
            }
            MappingKind::Apic => smp::APIC,
            MappingKind::Device => self.device.map_or(smp::APIC, |device| {
                device.address + random::below(device.length / PAGE) * PAGE
            }),
            MappingKind::Firmware => {
                let kept = ranges::firmware();
                kept[random::below(kept.len() as u64) as usize].start
            }
            MappingKind::BeyondRam => ranges::end() + random::below(SMALL_PAGES) * PAGE,
            MappingKind::Malformed => self.too_wide(),
            _ => of_block,
        };
        let place = self.tables.make_entry(address)?;
        match kind {
            MappingKind::PagedOut | MappingKind::Lost => {
                let lost = kind == MappingKind::Lost;
                paging_file::add(address, phys::linear(of_block), lost);
            }
            MappingKind::Unmapped => {}
            _ => phys::write_entry(place, physical | flags(kind)),
        }
        self.add(address, PAGE, kind, physical);
        Some(())
    }
}

const fn flags(kind: MappingKind) -> u64 {
    match kind {
        MappingKind::ReadOnly => bits::PRESENT | bits::NO_EXECUTE,
        MappingKind::Executable => bits::PRESENT,
        MappingKind::Apic | MappingKind::Device => bits::KERNEL_DATA | bits::UNCACHED,
        _ => bits::KERNEL_DATA,
    }
}
