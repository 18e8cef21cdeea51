//! Physical memory: what of it is RAM, and how it is read.

use usermode_accessors::{NtStatus, VolatileSlice};

use crate::transfer::{Hole, Reason};

/// Bytes in the smallest page: 4 KiB.
pub const PAGE_SIZE: u64 = 4096;

/// Physical frames, as an engine reaches them.
///
/// This crate reads only what [`ram_from`](Self::ram_from) calls RAM: it asks first, and no
/// [`read`](Self::read) names a byte that was not in the answer.
///
/// IRQL: the implementation's.
pub trait PhysicalMemory {
    /// No read crosses a multiple of this many bytes: the size of the window onto a frame, or the
    /// most that one call of the system is trusted with. A power of two, held at compile time.
    const SPAN: u64 = PAGE_SIZE;

    /// Bits in a physical address: `CPUID.80000008H:EAX[7:0]`, less the bits that memory
    /// encryption takes away (`CPUID.8000001FH:EBX[11:6]`) where it is on.
    fn address_bits(&self) -> u32;

    /// How many bytes from `address` on are RAM under the control of the operating system,
    /// without a gap; 0 if `address` itself is not. The answer may fall short of the whole run,
    /// but never exceeds it.
    fn ram_from(&self, address: u64) -> u64;

    /// How many bytes from `address` on are not RAM; 0 if `address` itself is, or if that is not
    /// known. The answer may fall short of the whole hole, but never exceeds it. A hole of all 2^64
    /// addresses has a length of 2^64 - 1.
    fn hole_from(&self, address: u64) -> u64;

    /// Reads as many bytes as `target` has from `address` on: at least one, all of them RAM, none
    /// beyond the next multiple of [`SPAN`](Self::SPAN).
    ///
    /// # Errors
    ///
    /// What stopped the read, and how many bytes arrived before it.
    fn read(&self, address: u64, target: VolatileSlice<'_>) -> Result<(), ReadError>;

    /// Reads the eight bytes at `address`, in one access: a page-table entry, which the operating
    /// system may change at any moment. `address` is a multiple of 8, and RAM.
    ///
    /// # Errors
    ///
    /// What stopped the read.
    fn read_u64(&self, address: u64) -> Result<u64, NtStatus>;
}

impl<M: PhysicalMemory + ?Sized> PhysicalMemory for &M {
    const SPAN: u64 = M::SPAN;

    fn address_bits(&self) -> u32 {
        (**self).address_bits()
    }

    fn ram_from(&self, address: u64) -> u64 {
        (**self).ram_from(address)
    }

    fn hole_from(&self, address: u64) -> u64 {
        (**self).hole_from(address)
    }

    fn read(&self, address: u64, target: VolatileSlice<'_>) -> Result<(), ReadError> {
        (**self).read(address, target)
    }

    fn read_u64(&self, address: u64) -> Result<u64, NtStatus> {
        (**self).read_u64(address)
    }
}

/// A read that stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Why.
    pub status: NtStatus,
    /// Bytes that arrived before it, from the first on.
    pub transferred: usize,
}

/// How many bytes from `address` on are RAM within the processor's physical width: at least one.
pub(crate) fn ram_from<M: PhysicalMemory>(memory: &M, address: u64) -> Result<u64, Hole> {
    let end = 1_u64.checked_shl(memory.address_bits()).unwrap_or(u64::MAX);
    let left = match end.checked_sub(address) {
        None | Some(0) => {
            return Err(Hole {
                reason: Reason::BeyondPhysicalWidth,
                length: addresses_from(address),
            });
        }
        Some(left) => left,
    };
    match memory.ram_from(address).min(left) {
        0 => {
            let length = memory.hole_from(address);
            Err(Hole {
                reason: Reason::NotRam,
                // Nothing is RAM beyond the width, whatever a list says.
                length: if length < left {
                    length
                } else {
                    addresses_from(address)
                },
            })
        }
        run => Ok(run),
    }
}

/// How many addresses there are from `address` on; 2^64 - 1 of all 2^64.
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
    /// How many bytes of the range lie at `address` and behind it; 0 if `address` is not in it.
    #[must_use]
    pub const fn bytes_from(&self, address: u64) -> u64 {
        match address.checked_sub(self.start) {
            Some(offset) => self.length.saturating_sub(offset),
            None => 0,
        }
    }

    /// This range and one that begins in it or right behind it, as one.
    fn joined(self, next: Self) -> Option<Self> {
        let offset = next.start.checked_sub(self.start)?;
        (offset <= self.length).then(|| Self {
            start: self.start,
            length: self.length.max(offset.saturating_add(next.length)),
        })
    }
}

/// A list of RAM ranges: what [`PhysicalMemory::ram_from`] and [`PhysicalMemory::hole_from`] can be
/// answered from.
///
/// An empty range holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct RamRanges<'a>(&'a [RamRange]);

impl<'a> RamRanges<'a> {
    /// The list that consists of `ranges`, in the order that [`arrange`](Self::arrange) brings
    /// about. In another order RAM may be missed, and holes be said to be longer than they are; what
    /// is no RAM is never taken for it.
    #[must_use]
    pub const fn new(ranges: &'a [RamRange]) -> Self {
        Self(ranges)
    }

    /// Puts ranges in ascending order and makes one of those that touch or overlap, so that a
    /// look-up takes few steps and a copy no more than one per run. The answer is how many there
    /// are now, from the first on; what is behind them means nothing any more. A range that runs
    /// beyond 2^64 ends there.
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
            if let Some(place) = ranges.get_mut(left) {
                *place = range;
            }
            last = Some(range);
        }
        left.saturating_add(usize::from(last.is_some()))
    }

    /// How many bytes from `address` on are RAM; 0 if `address` is not. Takes as many steps as
    /// the number of ranges has binary digits.
    #[must_use]
    pub fn bytes_from(&self, address: u64) -> u64 {
        let behind = self.0.partition_point(|range| range.start <= address);
        behind
            .checked_sub(1)
            .and_then(|last| self.0.get(last))
            .map_or(0, |range| range.bytes_from(address))
    }

    /// How many bytes from `address` on are not RAM: up to the next range, or to the last address;
    /// 0 if `address` is RAM. Takes as many steps as [`bytes_from`](Self::bytes_from).
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
