//! Physically contiguous, nonpaged, non-executable pages.

use core::ptr::NonNull;

use mm_copy::RamRange;
use ringcopy_protocol::NtStatus;
use usermode_accessors::{DeviceSlice, VolatileSlice};
use wdk_sys::{
    MM_ANY_NODE_OK, PAGE_NOCACHE, PAGE_READWRITE, PHYSICAL_ADDRESS,
    ntddk::{MmAllocateContiguousNodeMemory, MmFreeContiguousMemory, MmGetPhysicalAddress},
};

/// How the processor caches the pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// Write-back, as ordinary memory.
    Cached,
    /// Not at all, as device registers.
    Uncached,
}

/// Zeroed pages that the driver owns; freed when dropped. Requests of one handle run concurrently, so
/// the contents may change at any time, and no reference to them is ever made.
pub struct ContiguousPages {
    bytes: NonNull<u8>,
    length: usize,
    physical: u64,
}

// SAFETY: the pages belong to no thread, and are touched through volatile accessors alone.
unsafe impl Send for ContiguousPages {}

// SAFETY: as above; a race between two requests mixes their bytes and does nothing worse.
unsafe impl Sync for ContiguousPages {}

const fn physical_address(value: i64) -> PHYSICAL_ADDRESS {
    PHYSICAL_ADDRESS { QuadPart: value }
}

impl ContiguousPages {
    /// Allocates pages; `STATUS_INSUFFICIENT_RESOURCES` if no such run is free. IRQL:
    /// `PASSIVE_LEVEL`.
    pub fn allocate(length: usize, caching: Caching) -> Result<Self, NtStatus> {
        let protection = match caching {
            Caching::Cached => PAGE_READWRITE,
            Caching::Uncached => PAGE_READWRITE | PAGE_NOCACHE,
        };
        // SAFETY: any length and range may be asked for at PASSIVE_LEVEL; a failure is null.
        let address = unsafe {
            MmAllocateContiguousNodeMemory(
                length as u64,
                physical_address(0),
                physical_address(i64::MAX),
                physical_address(0),
                protection,
                MM_ANY_NODE_OK,
            )
        };
        let bytes = NonNull::new(address.cast::<u8>()).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        // SAFETY: the address is mapped, by the allocation above.
        let physical = unsafe { MmGetPhysicalAddress(address) };
        // SAFETY: all members of the union are views of the same 64 bits.
        let physical = unsafe { physical.QuadPart }.cast_unsigned();
        let pages = Self {
            bytes,
            length,
            physical,
        };
        // The allocation is not zeroed, and callers read it.
        pages.as_volatile().fill(0);
        Ok(pages)
    }

    /// Returns the pages as ordinary memory.
    pub const fn as_volatile(&self) -> VolatileSlice<'_> {
        // SAFETY: the allocation is `length` bytes long and lives as long as `self`; all access to
        // it is volatile.
        unsafe { VolatileSlice::from_raw_parts(self.bytes.as_ptr(), self.length) }
    }

    /// Returns the pages as device memory.
    pub const fn as_device(&self) -> DeviceSlice<'_> {
        // SAFETY: as above, by single aligned moves.
        unsafe { DeviceSlice::from_raw_parts(self.bytes.as_ptr(), self.length) }
    }

    /// Returns their virtual address.
    pub fn address(&self) -> u64 {
        self.bytes.as_ptr().addr() as u64
    }

    /// Returns their physical address.
    pub const fn physical_address(&self) -> u64 {
        self.physical
    }

    /// The physical memory that they are.
    pub const fn frames(&self) -> RamRange {
        RamRange {
            start: self.physical,
            length: self.length as u64,
        }
    }
}

impl Drop for ContiguousPages {
    fn drop(&mut self) {
        // SAFETY: allocated by `allocate`, and freed once.
        unsafe { MmFreeContiguousMemory(self.bytes.as_ptr().cast()) };
    }
}
