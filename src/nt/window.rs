//! A page of address space of the driver's own, through which any frame can be read.
//!
//! The memory manager reserves the page with its page-table entry at hand but empty
//! (`MmAllocateMappingAddress`, `wdm.h`); the driver writes that entry itself. Three rules
//! make this sound on several processors:
//!
//! - One user at a time, at `DISPATCH_LEVEL`: nobody is moved to another processor half way.
//! - Whoever maps a frame invalidates its own processor's translation before it reads. Another
//!   processor may hold a stale one, from its own last use or from speculation; it does the same
//!   before its next use, and uses the page at no other time.
//! - The entry is put back as it was found.

use core::{ffi::c_void, ptr::NonNull};

use ringcopy_protocol::NtStatus;
use usermode_accessors::VolatileSlice;
use wdk_sys::ntddk::{MmAllocateMappingAddress, MmFreeMappingAddress, MmGetPhysicalAddress};

use super::{PAGE_SIZE, pool::POOL_TAG, spin_lock::SpinLock};

/// Present, accessed, never executed, not writable: Intel SDM volume 3, table 5-20.
const READ_ONLY: u64 = 1 << 63 | 1 << 5 | 1;

/// Entries in a page table.
const ENTRIES: usize = PAGE_SIZE / size_of::<u64>();

/// A reserved page, whose entry nobody has found yet.
pub struct Reservation(NonNull<c_void>);

// SAFETY: the reservation belongs to no thread.
unsafe impl Send for Reservation {}

impl Reservation {
    /// IRQL: at most `APC_LEVEL`.
    pub fn new() -> Result<Self, NtStatus> {
        // SAFETY: any size and tag may be asked for; a failure is null.
        let address = unsafe { MmAllocateMappingAddress(PAGE_SIZE as u64, POOL_TAG) };
        NonNull::new(address)
            .map(Self)
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)
    }

    /// Where the page is.
    pub fn address(&self) -> u64 {
        self.0.as_ptr().addr() as u64
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: reserved with this tag, released once, and its entry is as it was found.
        unsafe { MmFreeMappingAddress(self.0.as_ptr(), POOL_TAG) };
    }
}

/// The window.
pub struct Window {
    page: SpinLock<Page>,
}

struct Page {
    reservation: Reservation,
    entry: NonNull<u64>,
}

// SAFETY: the entry is reached by the holder of the spin lock alone.
unsafe impl Send for Page {}

impl Window {
    /// Takes the page whose entry is mapped at `entry_address` and lies at `entry_physical`. The
    /// caller found both by walking the page tables; the memory manager must agree, or nothing is
    /// ever written: `STATUS_NOT_SUPPORTED`.
    pub fn open(
        reservation: Reservation,
        entry_address: u64,
        entry_physical: u64,
    ) -> Result<Self, NtStatus> {
        let address = usize::try_from(entry_address).map_err(|_| NtStatus::NOT_SUPPORTED)?;
        let entry = NonNull::new(core::ptr::with_exposed_provenance_mut::<u64>(address))
            .ok_or(NtStatus::NOT_SUPPORTED)?;
        // SAFETY: the routine only looks the address up.
        let physical = unsafe { MmGetPhysicalAddress(entry.as_ptr().cast()) };
        // SAFETY: all members of the union are views of the same 64 bits.
        let physical = unsafe { physical.QuadPart }.cast_unsigned();
        if physical != entry_physical {
            return Err(NtStatus::NOT_SUPPORTED);
        }
        // SAFETY: the memory manager and the walk agree that the entry is mapped there.
        let found = unsafe { entry.as_ptr().read_volatile() };
        if found & 1 != 0 {
            return Err(NtStatus::NOT_SUPPORTED);
        }
        Ok(Self {
            page: SpinLock::new(Page { reservation, entry }),
        })
    }

    /// Reads from one frame of RAM into nonpaged memory. `offset` and the target's length together
    /// stay within the page, else nothing is read: `STATUS_INVALID_PARAMETER`.
    pub fn read(
        &self,
        frame: u64,
        offset: usize,
        mut target: VolatileSlice<'_>,
    ) -> Result<(), NtStatus> {
        self.page.lock().map(frame, |page| {
            // SAFETY: the page is mapped while this runs, and is only read.
            let page = unsafe { VolatileSlice::from_raw_parts(page.as_ptr().cast(), PAGE_SIZE) };
            let source = page.subslice(offset, target.len());
            source
                .and_then(|source| target.copy_from_volatile(&source).ok())
                .ok_or(NtStatus::INVALID_PARAMETER)
        })?
    }

    /// Reads a page-table entry, the `index`th of its frame, by a single load: the processor and
    /// the memory manager write such entries whole.
    pub fn read_entry(&self, frame: u64, index: usize) -> Result<u64, NtStatus> {
        if index >= ENTRIES {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        self.page.lock().map(frame, |page| {
            // SAFETY: the index is within the page.
            let entry = unsafe { page.as_ptr().cast::<u64>().add(index) };
            // SAFETY: the page is mapped while this runs; any value may be read from it.
            unsafe { entry.read_volatile() }
        })
    }
}

impl Page {
    /// Maps a frame for the time of `read`, which touches nonpaged memory alone and so cannot
    /// leave early.
    fn map<R>(&self, frame: u64, read: impl FnOnce(NonNull<c_void>) -> R) -> Result<R, NtStatus> {
        if !frame.is_multiple_of(PAGE_SIZE as u64) {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        // SAFETY: the entry is ours, under the lock.
        let found = unsafe { self.entry.as_ptr().read_volatile() };
        // SAFETY: as above; nobody but the holder of the lock uses the page.
        unsafe { self.entry.as_ptr().write_volatile(frame | READ_ONLY) };
        self.invalidate();
        let answer = read(self.reservation.0);
        // SAFETY: as above.
        unsafe { self.entry.as_ptr().write_volatile(found) };
        self.invalidate();
        Ok(answer)
    }

    fn invalidate(&self) {
        // SAFETY: invalidating a translation in ring 0 has no effect but to have it walked again.
        // The assembly counts as touching memory, so accesses stay on their side of it.
        unsafe {
            core::arch::asm!(
                "invlpg [{}]",
                in(reg) self.reservation.0.as_ptr(),
                options(nostack, preserves_flags),
            );
        }
    }
}
