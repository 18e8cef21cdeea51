//! Physical memory, simulated: a block of pool that physical addresses are offsets into.
//!
//! A word that was not written has its own physical address as its value.

use crate::nt::{
    lock::SpinLock,
    pool::{self, TAG},
};
use core::{
    ffi::c_void,
    ptr::{NonNull, null_mut, with_exposed_provenance_mut},
    sync::atomic::{AtomicPtr, Ordering},
};
use wdk_sys::{NTSTATUS, STATUS_INSUFFICIENT_RESOURCES};

pub(super) const PAGE: usize = 0x1000;

/// Where addresses end.
const END: usize = 0x100_0000;

/// The ranges of RAM: first address and length.
pub(super) const RANGES: [(usize, usize); 3] = [
    (0x1000, 0x9_E000),
    (0x10_0000, 0xB0_0000),
    (LENT, END - LENT),
];

/// The first address of contiguous memory.
const LENT: usize = 0xD0_0000;
const LENT_PAGES: usize = (END - LENT) / PAGE;

/// The allocation of the block, which begins at the first page in it. Wine's pool is a heap without
/// the page alignment of NT's.
static ALLOCATION: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// The block; null while there is none.
static BLOCK: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// For each page from [`LENT`] on, the number of pages of a loan that starts there; 0 for none.
static LOANS: SpinLock<[u16; LENT_PAGES]> = SpinLock::new([0; LENT_PAGES]);

/// Allocates the block, unless it exists.
///
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(super) fn start() -> Result<(), NTSTATUS> {
    if !BLOCK.load(Ordering::Acquire).is_null() {
        return Ok(());
    }
    let allocation = pool::allocate_zeroed(END + PAGE).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
    let start: *mut u8 = allocation.as_ptr().cast();
    let block = start.wrapping_add(start.addr().next_multiple_of(PAGE) - start.addr());
    let words = with_exposed_provenance_mut::<usize>(block.expose_provenance());
    for address in (0..END).step_by(size_of::<usize>()) {
        let word = words.wrapping_add(address / size_of::<usize>());
        // SAFETY: within the block, which was just allocated and is page-aligned.
        unsafe { word.write(address) };
    }
    ALLOCATION.store(allocation.as_ptr(), Ordering::Release);
    BLOCK.store(block, Ordering::Release);
    Ok(())
}

/// Frees the block.
pub(super) fn end() {
    BLOCK.store(null_mut(), Ordering::Release);
    if let Some(block) = NonNull::new(ALLOCATION.swap(null_mut(), Ordering::AcqRel)) {
        // SAFETY: `start` allocated it; no driver is bound that could have an address of it.
        unsafe { pool::free(block, TAG) };
    }
}

/// Returns the physical address of a byte of the block.
pub(super) fn physical(address: *const c_void) -> Option<usize> {
    let block = BLOCK.load(Ordering::Acquire);
    let offset = address.addr().checked_sub(block.addr())?;
    (!block.is_null() && offset < END).then_some(offset)
}

/// Lends contiguous pages of RAM for `bytes`. Null if there are none.
pub(super) fn lend(bytes: usize) -> *mut c_void {
    let pages = bytes.max(1).div_ceil(PAGE);
    let Ok(loan) = u16::try_from(pages) else {
        return null_mut();
    };
    let mut loans = LOANS.lock();
    let mut first = 0;
    while first + pages <= LENT_PAGES {
        if let Some(taken) = (first..first + pages).find(|page| loans[*page] != 0) {
            first = taken + usize::from(loans[taken]);
        } else {
            loans[first] = loan;
            let address = LENT + first * PAGE;
            return BLOCK.load(Ordering::Acquire).wrapping_add(address).cast();
        }
    }
    null_mut()
}

/// Takes back what was lent.
pub(super) fn take_back(address: *const c_void) {
    let page = physical(address).and_then(|address| address.checked_sub(LENT));
    if let Some(page) = page {
        LOANS.lock()[page / PAGE] = 0;
    }
}

/// Copies RAM, up to the first byte that is not RAM. Returns the number of bytes copied.
///
/// # Safety
///
/// There are `length` bytes at `target` to be written.
pub(super) unsafe fn read(address: u64, target: *mut u8, length: usize) -> usize {
    let Ok(address) = usize::try_from(address) else {
        return 0;
    };
    let mut copied = 0;
    while copied < length {
        let at = address.wrapping_add(copied);
        let Some(there) = rest_of_ram(at) else { break };
        let part = there.min(length - copied);
        let source = BLOCK.load(Ordering::Acquire).wrapping_add(at);
        // SAFETY: RAM is within the block; the caller has space for the rest of `length`.
        unsafe { source.copy_to(target.wrapping_add(copied), part) };
        copied += part;
    }
    copied
}

/// Returns the number of bytes of RAM that start at an address.
fn rest_of_ram(address: usize) -> Option<usize> {
    RANGES
        .into_iter()
        .map(|(base, length)| base + length)
        .zip(RANGES)
        .find(|(end, (base, _))| (*base..*end).contains(&address))
        .map(|(end, _)| end - address)
}
