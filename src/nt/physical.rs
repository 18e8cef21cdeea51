//! The ranges of physical memory that are RAM.

use alloc::vec::Vec;
use core::ptr;

use mm_copy::{RamRange, RamRanges};
use ringcopy_protocol::NtStatus;
use wdk_sys::{
    PHYSICAL_MEMORY_RANGE,
    ntddk::{ExFreePool, MmGetPhysicalMemoryRanges},
};

/// A range that holds no address.
pub const NOTHING: RamRange = RamRange {
    start: 0,
    length: 0,
};

/// The ranges of RAM as they were when the list was taken, in ascending order, with something else
/// between them.
#[derive(PartialEq, Eq)]
pub struct RamList {
    ranges: Vec<RamRange>,
    largest: RamRange,
}

impl RamList {
    /// Reads the ranges from the memory manager. IRQL: `PASSIVE_LEVEL`.
    pub fn capture() -> Result<Self, NtStatus> {
        // SAFETY: called at PASSIVE_LEVEL; a failure is null.
        let array = unsafe { MmGetPhysicalMemoryRanges() };
        if array.is_null() {
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        }
        let list = Self::copy(array);
        // SAFETY: the array is the caller's to free, and freed once.
        unsafe { ExFreePool(array.cast()) };
        list.map(|mut ranges| {
            let left = RamRanges::arrange(&mut ranges);
            ranges.truncate(left);
            let largest = ranges.iter().max_by_key(|range| range.length);
            Self {
                largest: largest.copied().unwrap_or(NOTHING),
                ranges,
            }
        })
    }

    fn copy(mut next: *const PHYSICAL_MEMORY_RANGE) -> Result<Vec<RamRange>, NtStatus> {
        let mut ranges = Vec::new();
        loop {
            // SAFETY: the array ends with an entry of zeros, at which this loop stops.
            let entry = unsafe { ptr::read(next) };
            let Some(range) = ram_range(&entry) else {
                return Ok(ranges);
            };
            ranges
                .try_reserve(1)
                .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
            ranges.push(range);
            // SAFETY: the entry was not the last one, so there is another.
            next = unsafe { next.add(1) };
        }
    }

    /// Returns the ranges.
    pub fn as_slice(&self) -> &[RamRange] {
        &self.ranges
    }

    /// Returns the largest of them: most of RAM is in it.
    pub const fn largest(&self) -> RamRange {
        self.largest
    }
}

fn ram_range(entry: &PHYSICAL_MEMORY_RANGE) -> Option<RamRange> {
    // SAFETY: all members of the union are views of the same 64 bits.
    let start = unsafe { entry.BaseAddress.QuadPart };
    // SAFETY: as above.
    let length = unsafe { entry.NumberOfBytes.QuadPart };
    (length != 0).then_some(RamRange {
        start: start.cast_unsigned(),
        length: length.cast_unsigned(),
    })
}
