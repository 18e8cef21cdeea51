//! Physical memory with holes. Everything that a copy must not do fails the test at once.

use std::{
    array,
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use mm_copy::{PhysicalMemory, RamRange, RamRanges, ReadError};
use usermode_accessors::{NtStatus, VolatileSlice};

pub const PAGE: u64 = 4096;

/// The words of a page.
const WORDS: usize = (PAGE / 8) as usize;
type Page = [u64; WORDS];

/// The number of the page that holds the word at `address`, and the word's index there.
const fn place(address: u64) -> (u64, usize) {
    (address / PAGE, (address % PAGE / 8) as usize)
}

/// What a failing read fails with: `STATUS_IN_PAGE_ERROR`.
pub const READ_FAILURE: NtStatus = NtStatus::IN_PAGE_ERROR;

/// RAM, read `SPAN` bytes at a time. Its bytes follow from their address where nobody wrote any.
pub struct Machine<const SPAN: u64 = PAGE> {
    pub address_bits: u32,
    /// As they were given, for those who ask the ranges one by one.
    pub ram: Vec<RamRange>,
    arranged: Vec<RamRange>,
    /// The first byte that cannot be read, though it is RAM.
    pub broken: Option<u64>,
    /// Pages that somebody wrote to, by their numbers.
    written: BTreeMap<u64, Page>,
    pub reads: RefCell<Vec<(u64, usize)>>,
    pub entries_read: Cell<usize>,
    pub lookups: Cell<usize>,
}

/// A list of ranges, each a start and a length, as it was given.
pub fn listed(ranges: &[(u64, u64)]) -> Vec<RamRange> {
    let range = |&(start, length): &(u64, u64)| RamRange { start, length };
    ranges.iter().map(range).collect()
}

/// The same list, in order and joined.
pub fn arranged(ranges: &[(u64, u64)]) -> Vec<RamRange> {
    let mut ranges = listed(ranges);
    let left = RamRanges::arrange(&mut ranges);
    ranges.truncate(left);
    ranges
}

impl Machine {
    /// RAM that is read a page at a time.
    pub fn new(address_bits: u32, ram: &[(u64, u64)]) -> Self {
        Self::with_span(address_bits, ram)
    }
}

impl<const SPAN: u64> Machine<SPAN> {
    pub fn with_span(address_bits: u32, ram: &[(u64, u64)]) -> Self {
        Self {
            address_bits,
            ram: listed(ram),
            arranged: arranged(ram),
            broken: None,
            written: BTreeMap::new(),
            reads: RefCell::default(),
            entries_read: Cell::new(0),
            lookups: Cell::new(0),
        }
    }

    pub fn write_u64(&mut self, address: u64, word: u64) {
        assert_eq!(address % 8, 0);
        let (page, index) = place(address);
        let unwritten = || array::from_fn(|index| mix(page * PAGE + index as u64 * 8));
        self.written.entry(page).or_insert_with(unwritten)[index] = word;
    }

    /// Writes zeros to a whole page.
    pub fn clear(&mut self, address: u64) {
        assert_eq!(address % PAGE, 0);
        self.written.insert(address / PAGE, [0; WORDS]);
    }

    /// The word at a multiple of 8.
    pub fn word(&self, address: u64) -> u64 {
        let (page, index) = place(address);
        let written = self.written.get(&page).map(|words| words[index]);
        written.unwrap_or_else(|| mix(address))
    }

    /// The byte at `address`, RAM or not.
    pub fn byte(&self, address: u64) -> u8 {
        self.word(address & !7).to_le_bytes()[(address & 7) as usize]
    }

    /// Whether the byte at `address` is RAM, asked of the ranges one by one.
    pub fn is_ram(&self, address: u64) -> bool {
        let width = u128::from(address) < 1 << self.address_bits;
        let in_range = |range: &RamRange| {
            let first = u128::from(range.start);
            (first..first + u128::from(range.length)).contains(&u128::from(address))
        };
        width && self.ram.iter().any(in_range)
    }

    /// How many bytes from `address` on are not RAM, asked of the ranges one by one.
    pub fn hole_at(&self, address: u64) -> u128 {
        let width = 1 << self.address_bits;
        let starts = self.ram.iter().filter(|range| range.length > 0);
        starts
            .map(|range| u128::from(range.start))
            .filter(|&start| start > u128::from(address) && start < width)
            .min()
            .unwrap_or(1 << 64)
            - u128::from(address)
    }

    /// Whether every byte of a range is RAM.
    fn all_ram(&self, address: u64, length: u64) -> bool {
        let end = u128::from(address) + u128::from(length);
        let mut at = u128::from(address);
        while at < end {
            let Some(range) = self.ram.iter().find(|range| {
                let first = u128::from(range.start);
                (first..first + u128::from(range.length)).contains(&at)
            }) else {
                return false;
            };
            at = u128::from(range.start) + u128::from(range.length);
        }
        end <= 1 << self.address_bits
    }
}

impl<const SPAN: u64> PhysicalMemory for Machine<SPAN> {
    const SPAN: u64 = SPAN;

    fn end(&self) -> u64 {
        1 << self.address_bits
    }

    fn ram_from(&self, address: u64) -> u64 {
        self.lookups.set(self.lookups.get() + 1);
        RamRanges::new(&self.arranged).bytes_from(address)
    }

    fn hole_from(&self, address: u64) -> u64 {
        self.lookups.set(self.lookups.get() + 1);
        RamRanges::new(&self.arranged).hole_from(address)
    }

    fn read(&self, address: u64, mut target: VolatileSlice<'_>) -> Result<(), ReadError> {
        let length = target.len() as u64;
        assert_ne!(length, 0, "an empty read at {address:#x}");
        assert!(
            self.all_ram(address, length),
            "{length} bytes at {address:#x} are not RAM"
        );
        assert_eq!(
            address / SPAN,
            (address + (length - 1)) / SPAN,
            "a read of {length} bytes at {address:#x} crosses a span"
        );
        self.reads.borrow_mut().push((address, target.len()));
        let end = match self.broken {
            Some(broken) if (address..address + length).contains(&broken) => broken,
            _ => address + length,
        };
        let bytes: Vec<u8> = (address..end).map(|address| self.byte(address)).collect();
        target
            .reborrow()
            .subslice(0, bytes.len())
            .unwrap()
            .copy_from_slice(&bytes)
            .unwrap();
        if bytes.len() == target.len() {
            Ok(())
        } else {
            Err(ReadError {
                status: READ_FAILURE,
                transferred: bytes.len(),
            })
        }
    }

    fn read_u64(&self, address: u64) -> Result<u64, NtStatus> {
        assert_eq!(address % 8, 0, "an entry at {address:#x}");
        assert!(self.all_ram(address, 8), "an entry at {address:#x} in I/O");
        self.entries_read.set(self.entries_read.get() + 1);
        match self.broken {
            Some(broken) if broken & !7 == address => Err(READ_FAILURE),
            _ => Ok(self.word(address)),
        }
    }
}

/// Spreads the bits of `value` (the finaliser of `SplitMix64`).
pub const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
