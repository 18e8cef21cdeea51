//! Physical memory: which addresses are RAM, and reads from it.

use usermode_accessors::{NtStatus, VolatileSlice};

use crate::transfer::{Hole, Reason};

/// The length of the smallest page: 4 KiB.
pub const PAGE_SIZE: u64 = 4096;

/// Physical memory, as an engine reads it.
///
/// This crate calls [`ram_from`](Self::ram_from) before each [`read`](Self::read), and reads only
/// bytes that it returned as RAM.
///
/// IRQL: the implementation's.
pub trait PhysicalMemory {
    /// No read crosses a multiple of this number of bytes: the length of the window onto frames, or
    /// the limit of one call of the system. A power of two, which the compiler checks.
    const SPAN: u64 = PAGE_SIZE;

    /// Returns the first address that the processor cannot form: 2 to the power of the number of bits in
    /// a physical address. That number is `CPUID.80000008H:EAX[7:0]`, minus the bits that memory
    /// encryption uses if it is on (`CPUID.8000001FH:EBX[11:6]`).
    fn end(&self) -> u64;

    /// Returns the number of contiguous bytes from `address` on that are RAM under the control of
    /// the operating system; 0 if `address` is not. The result may be less than the whole run, but
    /// never more.
    fn ram_from(&self, address: u64) -> u64;

    /// Returns the number of bytes from `address` on that are not RAM; 0 if `address` is RAM, or if
    /// it is not known. The result may be less than the whole hole, but never more. A hole of all
    /// 2^64 addresses has a length of 2^64 - 1.
    fn hole_from(&self, address: u64) -> u64;

    /// Reads from `address` on to all of `target`: at least one byte, all of them RAM, none beyond
    /// the next multiple of [`SPAN`](Self::SPAN).
    ///
    /// # Errors
    ///
    /// The status that stopped the read, and the number of bytes read before it.
    fn read(&self, address: u64, target: VolatileSlice<'_>) -> Result<(), ReadError>;

    /// Reads the eight bytes at `address` in one access: a page-table entry, which the operating
    /// system may change at any time. `address` is a multiple of 8, and RAM.
    ///
    /// # Errors
    ///
    /// The status that stopped the read.
    fn read_u64(&self, address: u64) -> Result<u64, NtStatus>;
}

impl<M: PhysicalMemory + ?Sized> PhysicalMemory for &M {
    const SPAN: u64 = M::SPAN;

    #[inline]
    fn end(&self) -> u64 {
        (**self).end()
    }

    #[inline]
    fn ram_from(&self, address: u64) -> u64 {
        (**self).ram_from(address)
    }

    #[inline]
    fn hole_from(&self, address: u64) -> u64 {
        (**self).hole_from(address)
    }

    #[inline]
    fn read(&self, address: u64, target: VolatileSlice<'_>) -> Result<(), ReadError> {
        (**self).read(address, target)
    }

    #[inline]
    fn read_u64(&self, address: u64) -> Result<u64, NtStatus> {
        (**self).read_u64(address)
    }
}

/// A read that stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The reason.
    pub status: NtStatus,
    /// The number of bytes read before it.
    pub transferred: usize,
}

impl From<NtStatus> for ReadError {
    /// A read that stopped before its first byte.
    fn from(status: NtStatus) -> Self {
        Self {
            status,
            transferred: 0,
        }
    }
}

/// Returns the address of the page that holds a physical `address`, if all of that page is RAM: for
/// many reads from it.
#[inline]
pub fn page_of<M: PhysicalMemory>(memory: &M, address: u64) -> Option<u64> {
    let page = address & !PAGE_SIZE.wrapping_sub(1);
    let is_ram = page < memory.end() && memory.ram_from(page) >= PAGE_SIZE;
    is_ram.then_some(page)
}

/// Returns the number of bytes from `address` on that are RAM within the processor's physical width: at
/// least one.
#[inline]
pub(crate) fn ram_from<M: PhysicalMemory>(memory: &M, address: u64) -> Result<u64, Hole> {
    let left = memory.end().saturating_sub(address);
    match memory.ram_from(address).min(left) {
        0 => Err(hole_from(memory, address, left)),
        run => Ok(run),
    }
}

/// Returns the hole at `address`, after which `left` addresses are within the processor's physical width.
#[cold]
fn hole_from<M: PhysicalMemory>(memory: &M, address: u64, left: u64) -> Hole {
    if left == 0 {
        return Hole {
            reason: Reason::BeyondPhysicalWidth,
            length: addresses_from(address),
        };
    }
    let length = memory.hole_from(address);
    Hole {
        reason: Reason::NotRam,
        // No address beyond the width is RAM, even if a list has it.
        length: if length < left {
            length
        } else {
            addresses_from(address)
        },
    }
}

/// Returns the number of addresses from `address` on; 2^64 - 1 for all 2^64.
const fn addresses_from(address: u64) -> u64 {
    (!address).saturating_add(1)
}

/// A range of RAM, of the shape `MmGetPhysicalMemoryRanges` reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RamRange {
    /// The physical address of its first byte.
    pub start: u64,
    /// Its length in bytes.
    pub length: u64,
}

impl RamRange {
    /// Returns the number of bytes of the range from `address` on; 0 if `address` is not in it.
    #[must_use]
    #[inline]
    pub const fn bytes_from(&self, address: u64) -> u64 {
        let offset = address.wrapping_sub(self.start);
        if offset < self.length {
            self.length.wrapping_sub(offset)
        } else {
            0
        }
    }

    /// Returns the union with a range that begins in this one or directly after it.
    fn joined(self, next: Self) -> Option<Self> {
        let offset = next.start.checked_sub(self.start)?;
        (offset <= self.length).then(|| Self {
            start: self.start,
            length: self.length.max(offset.saturating_add(next.length)),
        })
    }
}

/// A list of RAM ranges, with which [`PhysicalMemory::ram_from`] and [`PhysicalMemory::hole_from`] can
/// be implemented. Empty ranges are ignored.
#[derive(Clone, Copy, Debug)]
pub struct RamRanges<'a>(&'a [RamRange]);

impl<'a> RamRanges<'a> {
    /// Returns the list of `ranges`, which [`arrange`](Self::arrange) has put in order. In another
    /// order the list may miss RAM and report holes that are too long, but never reports RAM where
    /// there is none.
    #[must_use]
    pub const fn new(ranges: &'a [RamRange]) -> Self {
        Self(ranges)
    }

    /// Sorts the ranges, and joins those that touch or overlap, so that a copy needs one look-up for
    /// each run. Returns the number of ranges that remain at the start of the slice; the rest of the
    /// slice is unspecified. A range that exceeds 2^64 ends there.
    #[must_use]
    pub fn arrange(ranges: &mut [RamRange]) -> usize {
        ranges.sort_unstable_by_key(|range| range.start);
        let mut last: Option<RamRange> = None;
        let mut left: usize = 0;
        for index in 0..ranges.len() {
            let Some(range) = ranges.get(index).copied().filter(|range| range.length != 0) else {
                continue;
            };
            let joined = last.and_then(|last| last.joined(range));
            if last.is_some() && joined.is_none() {
                left = left.saturating_add(1);
            }
            let range = joined.unwrap_or(range);
            if let Some(slot) = ranges.get_mut(left) {
                *slot = range;
            }
            last = Some(range);
        }
        left.saturating_add(usize::from(last.is_some()))
    }

    /// Returns the range that holds `address`, if one does. A binary search.
    #[must_use]
    pub fn range_of(&self, address: u64) -> Option<&'a RamRange> {
        let next = self.0.partition_point(|range| range.start <= address);
        let last = self.0.get(next.checked_sub(1)?)?;
        (last.bytes_from(address) > 0).then_some(last)
    }

    /// Returns the number of bytes from `address` on that are RAM; 0 if `address` is not. A binary
    /// search.
    #[must_use]
    pub fn bytes_from(&self, address: u64) -> u64 {
        self.range_of(address)
            .map_or(0, |range| range.bytes_from(address))
    }

    /// Returns the number of bytes from `address` on that are not RAM, up to the next range or the
    /// last address; 0 if `address` is RAM. A binary search.
    #[must_use]
    pub fn hole_from(&self, address: u64) -> u64 {
        if self.bytes_from(address) > 0 {
            return 0;
        }
        let next = self.0.partition_point(|range| range.start <= address);
        self.0.get(next).map_or_else(
            || addresses_from(address),
            |range| range.start.saturating_sub(address),
        )
    }
}
