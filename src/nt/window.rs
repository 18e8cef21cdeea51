//! A window: a few pages of address space through which any frames can be read.
//!
//! The memory manager reserves the pages with empty page-table entries (`MmAllocateMappingAddress`,
//! `wdm.h`), and the driver writes those entries. Four rules make this sound on several processors:
//!
//! - One thread at a time uses the window, at `DISPATCH_LEVEL`: it stays on its processor.
//! - It invalidates the translation of its own processor after it maps a frame and before it reads.
//!   Another processor may hold a stale translation, and invalidates it before its next use.
//! - It restores the entries.
//! - It holds the lock for at most [`SPAN`] bytes, and touches only nonpaged memory meanwhile.
//!
//! Two things are not guaranteed. When the pages are freed, another processor may hold a stale
//! translation of them: the driver relies on the memory manager to flush addresses that it reuses, as
//! for its own mappings. And every frame is mapped write-back and readable: Intel's SDM (volume 3,
//! "Programming the PAT") does not support a frame with two types of caching, and a frame that a
//! hypervisor withholds faults where no fault is allowed.

use core::{ffi::c_void, ptr::NonNull};

use ringcopy_protocol::NtStatus;
use usermode_accessors::VolatileSlice;
use wdk_sys::ntddk::{MmAllocateMappingAddress, MmFreeMappingAddress, MmGetPhysicalAddress};

use super::{PAGE_SIZE, pool::POOL_TAG, spin_lock::SpinLock};

/// Present, accessed, never executed, not writable: Intel SDM volume 3, table 5-20.
const READ_ONLY: u64 = 1 << 63 | 1 << 5 | 1;

/// The number of entries in a page table.
const ENTRIES: usize = PAGE_SIZE / size_of::<u64>();

/// The number of pages in the window.
pub const PAGES: usize = 16;

/// The length of the window in bytes: 64 KiB, the most that is copied while the lock is held.
pub const SPAN: usize = PAGES * PAGE_SIZE;

/// The reserved pages of a window.
pub struct Reservation(NonNull<c_void>);

// SAFETY: the reservation belongs to no thread.
unsafe impl Send for Reservation {}

impl Reservation {
    /// Reserves the pages. IRQL: at most `APC_LEVEL`.
    pub fn new() -> Result<Self, NtStatus> {
        // SAFETY: any size and tag may be asked for; a failure is null.
        let address = unsafe { MmAllocateMappingAddress(SPAN as u64, POOL_TAG) };
        NonNull::new(address)
            .map(Self)
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)
    }

    /// Returns the address of the first page.
    pub fn address(&self) -> u64 {
        self.0.as_ptr().addr() as u64
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: reserved with this tag, released once, and its entries are as they were found.
        unsafe { MmFreeMappingAddress(self.0.as_ptr(), POOL_TAG) };
    }
}

/// The window.
pub struct Window {
    address: u64,
    pages: SpinLock<Pages>,
}

struct Pages {
    reservation: Reservation,
    /// One entry for each page, contiguous.
    entries: NonNull<[u64; PAGES]>,
}

// SAFETY: the entries are reached by the holder of the spin lock alone.
unsafe impl Send for Pages {}

impl Window {
    /// Makes a window of pages whose entries are mapped at `entries_address`, the `n`th of them at
    /// the physical address `physical(n)`. The caller found both by a walk of the page tables. If the
    /// memory manager does not agree, nothing is written: `STATUS_NOT_SUPPORTED`.
    pub fn open(
        reservation: Reservation,
        entries_address: u64,
        physical: impl Fn(usize) -> Option<u64>,
    ) -> Result<Self, NtStatus> {
        let address = usize::try_from(entries_address).map_err(|_| NtStatus::NOT_SUPPORTED)?;
        let entries = NonNull::new(core::ptr::with_exposed_provenance_mut(address))
            .ok_or(NtStatus::NOT_SUPPORTED)?;
        let pages = Pages {
            reservation,
            entries,
        };
        for page in 0..PAGES {
            let entry = pages.entry(page).ok_or(NtStatus::NOT_SUPPORTED)?;
            // SAFETY: the routine only looks the address up.
            let found = unsafe { MmGetPhysicalAddress(entry.as_ptr().cast()) };
            // SAFETY: all members of the union are views of the same 64 bits.
            let found = unsafe { found.QuadPart }.cast_unsigned();
            if Some(found) != physical(page) {
                return Err(NtStatus::NOT_SUPPORTED);
            }
            // SAFETY: the memory manager and the walk agree that the entry is mapped there.
            let value = unsafe { entry.as_ptr().read_volatile() };
            if value & 1 != 0 {
                return Err(NtStatus::NOT_SUPPORTED);
            }
        }
        Ok(Self {
            address: pages.reservation.address(),
            pages: SpinLock::new(pages),
        })
    }

    /// Returns whether an address is in the window.
    pub const fn holds(&self, address: u64) -> bool {
        address.wrapping_sub(self.address) < SPAN as u64
    }

    /// Reads RAM at `offset` from the frame at `frame` on, to nonpaged memory. If the read exceeds
    /// [`SPAN`], nothing is read: `STATUS_INVALID_PARAMETER`.
    pub fn read(
        &self,
        frame: u64,
        offset: usize,
        mut target: VolatileSlice<'_>,
    ) -> Result<(), NtStatus> {
        let end = offset.saturating_add(target.len());
        let count = end.div_ceil(PAGE_SIZE);
        self.pages.lock().map(frame, count, |window| {
            // SAFETY: `end` bytes are mapped while this runs, and are only read.
            let window = unsafe { VolatileSlice::from_raw_parts(window.as_ptr().cast(), end) };
            let source = window.subslice(offset, target.len());
            source
                .and_then(|source| target.copy_from_volatile(&source).ok())
                .ok_or(NtStatus::INVALID_PARAMETER)
        })?
    }

    /// Reads the page-table entry `index` of a frame by a single load: the processor and the memory
    /// manager write such entries whole.
    pub fn read_entry(&self, frame: u64, index: usize) -> Result<u64, NtStatus> {
        if index >= ENTRIES {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        self.pages.lock().map(frame, 1, |window| {
            // SAFETY: the index is within the page.
            let entry = unsafe { window.as_ptr().cast::<u64>().add(index) };
            // SAFETY: the page is mapped while this runs; any value may be read from it.
            unsafe { entry.read_volatile() }
        })
    }
}

impl Pages {
    /// Maps `count` frames, from `frame` on, while `read` runs. It touches only nonpaged memory, so it
    /// always returns.
    fn map<R>(
        &self,
        frame: u64,
        count: usize,
        read: impl FnOnce(NonNull<c_void>) -> R,
    ) -> Result<R, NtStatus> {
        if !frame.is_multiple_of(PAGE_SIZE as u64) || count > PAGES {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let mut found = [0; PAGES];
        let frames = (frame..).step_by(PAGE_SIZE);
        for ((page, frame), found) in (0..count).zip(frames).zip(&mut found) {
            *found = self.exchange(page, frame | READ_ONLY);
        }
        let result = read(self.reservation.0);
        for (page, found) in (0..count).zip(found) {
            self.exchange(page, found);
        }
        Ok(result)
    }

    /// Returns the address of the entry of a page.
    fn entry(&self, page: usize) -> Option<NonNull<u64>> {
        let first = self.entries.cast::<u64>();
        // SAFETY: the entries of the pages are contiguous.
        (page < PAGES).then(|| unsafe { first.add(page) })
    }

    /// Replaces the entry of a page for this processor, and returns the previous one.
    fn exchange(&self, page: usize, value: u64) -> u64 {
        let Some(entry) = self.entry(page) else {
            // Not reached: no count is above the number of pages.
            return 0;
        };
        // SAFETY: the entry is ours, under the lock.
        let found = unsafe { entry.as_ptr().read_volatile() };
        // SAFETY: as above; only the holder of the lock uses the page.
        unsafe { entry.as_ptr().write_volatile(value) };
        let address = self.reservation.0.as_ptr().cast::<[u8; PAGE_SIZE]>();
        // SAFETY: the only effect of an invalidation in ring 0 is another walk. The assembly may touch
        // memory, so the compiler moves no access across it.
        unsafe {
            core::arch::asm!(
                "invlpg [{}]",
                in(reg) address.wrapping_add(page),
                options(nostack, preserves_flags),
            );
        }
        found
    }
}
