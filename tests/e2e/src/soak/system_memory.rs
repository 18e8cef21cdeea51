//! The model of system virtual and physical memory: the pages that the lab has laid out, whose bytes
//! are known, and the list of RAM.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use ringcopy_client::PAGE_LENGTH;
use ringcopy_lab::{Lab, LabError, MappingKind, MixedMappings, RamRange};

/// What a system virtual address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backing {
    /// RAM at this physical address.
    Ram(u64),
    /// A page that is not present, and stays so.
    Absent,
    /// A page that the memory manager brings in.
    PagedOut,
    /// A page that the memory manager cannot bring in.
    Lost,
    /// Mapped to something else than RAM, or malformed.
    Refused,
    /// Not laid out by the lab.
    Unknown,
}

/// System memory that the model knows.
#[derive(Clone, Debug)]
pub(super) struct SystemMemory {
    laid_out: Rc<MixedMappings>,
    /// Ranges that do not touch each other, in ascending order.
    ram: Vec<RamRange>,
    /// Pages that were out and are in now.
    brought_in: BTreeSet<u64>,
    /// When each page was brought in last, counted in pages.
    brought_in_at: BTreeMap<u64, usize>,
    /// How many pages were brought in so far.
    moment: usize,
    /// Pages that a request has brought in or not: to be paged out again.
    pub(super) uncertain: Vec<u64>,
    /// The first address of the system's half.
    pub(super) start: u64,
    /// The end of user memory, as the lab has it.
    pub(super) user_limit: u64,
}

impl SystemMemory {
    pub(super) fn of(lab: &Lab) -> Result<Self, LabError> {
        let mut ram: Vec<RamRange> = Vec::new();
        for range in lab.ram_ranges()? {
            match ram.last_mut() {
                Some(last) if last.base + last.length == range.base => last.length += range.length,
                _ => ram.push(range),
            }
        }
        let start = if lab.options().five_levels {
            0xFF00_0000_0000_0000_u64
        } else {
            0xFFFF_8000_0000_0000
        };
        Ok(Self {
            laid_out: Rc::new(lab.mixed_mappings()?),
            ram,
            brought_in: BTreeSet::new(),
            brought_in_at: BTreeMap::new(),
            moment: 0,
            uncertain: Vec::new(),
            start,
            // The lower half is as long as the upper; its last 64 KiB are nobody's.
            user_limit: start.wrapping_neg() - 0x1_0000,
        })
    }

    /// Pages everything out that was brought in, as at the start of an episode.
    pub(super) fn page_out(&mut self, lab: &Lab) -> Result<(), LabError> {
        for mapping in self.laid_out.of_kind(MappingKind::PagedOut) {
            lab.page_out(mapping.address)?;
        }
        self.brought_in.clear();
        self.uncertain.clear();
        Ok(())
    }

    /// Pages out what may have been brought in.
    pub(super) fn settle(&mut self, lab: &Lab) -> Result<(), LabError> {
        for page in std::mem::take(&mut self.uncertain) {
            lab.page_out(page)?;
            self.brought_in.remove(&page);
        }
        Ok(())
    }

    /// Whether a range is user memory, mapped or not.
    pub(super) const fn is_user(&self, address: u64, length: usize) -> bool {
        length == 0
            || match self.user_limit.checked_sub(length as u64) {
                Some(last) => address <= last,
                None => false,
            }
    }

    pub(super) const fn ram(&self) -> &[RamRange] {
        self.ram.as_slice()
    }

    /// Addresses of pieces of memory of every kind.
    pub(super) fn pieces(&self) -> impl ExactSizeIterator<Item = (u64, u64, u64)> {
        let piece =
            |mapping: &ringcopy_lab::Mapping| (mapping.address, mapping.length, mapping.physical);
        self.laid_out.mappings().iter().map(piece)
    }

    /// The physical block whose bytes never change.
    pub(super) fn block(&self) -> (u64, &[u8]) {
        self.laid_out.block()
    }

    /// How many bytes from a physical address on are RAM.
    pub(super) fn ram_from(&self, address: u64) -> u64 {
        self.laid_out.ram_from(address)
    }

    /// What an address stands for, and how many bytes from there on are of the same kind.
    pub(super) fn at(&self, address: u64) -> (Backing, u64) {
        let Some(mapping) = self.laid_out.mapping_at(address) else {
            return self.between(address);
        };
        let offset = address - mapping.address;
        let left = mapping.length - offset;
        let physical = mapping.physical.wrapping_add(offset);
        match MappingKind::from_wire(mapping.kind) {
            Some(MappingKind::Ram | MappingKind::ReadOnly | MappingKind::Executable) => {
                (Backing::Ram(physical), left)
            }
            Some(MappingKind::PagedOut) if self.brought_in.contains(&mapping.address) => {
                (Backing::Ram(physical), left)
            }
            Some(MappingKind::PagedOut) => (Backing::PagedOut, left),
            Some(MappingKind::Lost) => (Backing::Lost, left),
            Some(MappingKind::Unmapped) => (Backing::Absent, left),
            Some(MappingKind::Mixed) => match self.ram_from(physical) {
                0 => (Backing::Refused, 1),
                run => (Backing::Ram(physical), run.min(left)),
            },
            _ => (Backing::Refused, left),
        }
    }

    /// Between two pieces nothing is mapped; what lies around all of them is not known.
    fn between(&self, address: u64) -> (Backing, u64) {
        let mappings = self.laid_out.mappings();
        let next = mappings.partition_point(|mapping| mapping.address <= address);
        match (next, mappings.get(next)) {
            (0, _) | (_, None) => (Backing::Unknown, 1),
            (_, Some(next)) => (Backing::Absent, next.address - address),
        }
    }

    /// Brings the page of an address in; gives whether it was out.
    pub(super) fn bring_in(&mut self, address: u64) {
        let page = address - address % PAGE_LENGTH;
        self.brought_in.insert(page);
        self.brought_in_at.insert(page, self.moment);
        self.moment += 1;
    }

    /// How many pages were brought in so far: the time for [`any_readable`](Self::any_readable).
    pub(super) const fn moment(&self) -> usize {
        self.moment
    }

    /// The pages that were brought in after an earlier state was noted.
    pub(super) fn brought_in(&self) -> BTreeSet<u64> {
        self.brought_in.clone()
    }

    pub(super) fn count_brought_in(&self) -> usize {
        self.brought_in.len()
    }

    /// Whether a byte of a range of physical memory is RAM.
    pub(super) fn any_ram(&self, address: u64, length: u64) -> bool {
        let end = address.saturating_add(length);
        self.ram
            .iter()
            .any(|range| range.base < end && address < range.base + range.length)
    }

    /// Whether a byte of a range of system memory could be read at a moment, with the memory manager's
    /// help or without it.
    ///
    /// Requests of one volley are checked after the last of them, which may have brought pages in.
    pub(super) fn any_readable(
        &self,
        address: u64,
        length: u64,
        helped: bool,
        moment: usize,
    ) -> bool {
        let end = address.saturating_add(length);
        let mappings = self.laid_out.mappings();
        let first = mappings.partition_point(|mapping| mapping.address + mapping.length <= address);
        mappings[first..]
            .iter()
            .take_while(|mapping| mapping.address < end)
            .any(|mapping| {
                let first = mapping.address.max(address);
                let last = end.min(mapping.address + mapping.length);
                if mapping.kind == MappingKind::Mixed as u64 {
                    let physical = mapping.physical.wrapping_add(first - mapping.address);
                    return self.any_ram(physical, last - first);
                }
                let brought_in_at = self.brought_in_at.get(&mapping.address);
                if mapping.kind == MappingKind::PagedOut as u64
                    && brought_in_at.is_some_and(|at| *at >= moment)
                {
                    return helped;
                }
                match self.at(first).0 {
                    Backing::Ram(_) => true,
                    Backing::PagedOut => helped,
                    _ => false,
                }
            })
    }
}
