//! The pages of a session buffer.

use core::{
    marker::PhantomData,
    ptr::{self, NonNull},
    sync::atomic::{AtomicPtr, Ordering},
};

use ringcopy_protocol::NtStatus;
use usermode_accessors::VolatileSlice;
use wdk_sys::ntddk::MmGetPhysicalAddress;

use super::{PAGE_SIZE, pool};

/// Bytes of the pages.
const LENGTH: usize = ringcopy_protocol::SESSION_PAGES * PAGE_SIZE;

/// Zeroed pages of nonpaged pool, allocated at their first use and freed when dropped. Their virtual
/// addresses follow each other. Their physical ones need not, so that free memory of any shape serves.
pub struct SessionPages(AtomicPtr<u8>);

/// The pages, once they are allocated. Requests of one handle run concurrently, so the contents may
/// change at any time, and no reference to them is ever made.
#[derive(Clone, Copy)]
pub struct Pages<'a> {
    bytes: NonNull<u8>,
    owner: PhantomData<&'a SessionPages>,
}

impl SessionPages {
    /// Returns pages that are not allocated yet.
    pub const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Returns the pages if they are allocated.
    pub fn existing(&self) -> Option<Pages<'_>> {
        NonNull::new(self.0.load(Ordering::Acquire)).map(Pages::at)
    }

    /// Returns the pages, which the first caller allocates: `STATUS_INSUFFICIENT_RESOURCES` if that
    /// fails, and the next caller tries again. IRQL: at most `DISPATCH_LEVEL`.
    pub fn get(&self) -> Result<Pages<'_>, NtStatus> {
        if let Some(pages) = self.existing() {
            return Ok(pages);
        }
        // `ExAllocatePool2` (wdm.h) aligns a page or more to a page.
        let own = pool::allocate(LENGTH)?;
        let placed = self.0.compare_exchange(
            ptr::null_mut(),
            own.as_ptr(),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        let Err(other) = placed else {
            return Ok(Pages::at(own));
        };
        // Another request was first.
        // SAFETY: allocated above, and nobody else has its address.
        unsafe { pool::free(own) };
        NonNull::new(other)
            .map(Pages::at)
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)
    }
}

impl Drop for SessionPages {
    fn drop(&mut self) {
        if let Some(bytes) = NonNull::new(*self.0.get_mut()) {
            // SAFETY: allocated by `get`, freed once, and borrowed by nobody.
            unsafe { pool::free(bytes) };
        }
    }
}

impl<'a> Pages<'a> {
    const fn at(bytes: NonNull<u8>) -> Self {
        Self {
            bytes,
            owner: PhantomData,
        }
    }

    /// Returns the pages as memory.
    pub const fn as_volatile(self) -> VolatileSlice<'a> {
        // SAFETY: the pages are `LENGTH` bytes long and live as long as their owner; all access to
        // them is volatile.
        unsafe { VolatileSlice::from_raw_parts(self.bytes.as_ptr(), LENGTH) }
    }

    /// Returns their virtual address.
    pub fn address(self) -> u64 {
        self.bytes.as_ptr().addr() as u64
    }

    /// Returns the physical address of each page.
    pub fn physical_addresses(self) -> [u64; ringcopy_protocol::SESSION_PAGES] {
        core::array::from_fn(|page| {
            let offset = page.saturating_mul(PAGE_SIZE);
            let address = self.bytes.as_ptr().wrapping_add(offset);
            // SAFETY: the page is mapped, and nonpaged.
            let physical = unsafe { MmGetPhysicalAddress(address.cast()) };
            // SAFETY: all members of the union are views of the same 64 bits.
            unsafe { physical.QuadPart }.cast_unsigned()
        })
    }
}
