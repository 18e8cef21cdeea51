//! Physical memory, simulated: a block of pool that physical addresses are offsets into.
//!
//! A word that nobody has written holds its own physical address.

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

/// What is RAM: first address and length. What lies between is nothing.
pub(super) const RANGES: [(usize, usize); 3] = [
    (0x1000, 0x9_E000),
    (0x10_0000, 0xB0_0000),
    (LENT, END - LENT),
];

/// Contiguous memory is lent out from here.
const LENT: usize = 0xD0_0000;
const LENT_PAGES: usize = (END - LENT) / PAGE;

/// What was allocated for the block, which begins at the first page in it. Pool of a page and more
/// is page-aligned on NT; Wine's is a heap.
static ALLOCATION: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// The block; null while there is none.
static BLOCK: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// For each page from [`LENT`] on, how many pages were lent out from it on; 0 for none.
static LOANS: SpinLock<[u16; LENT_PAGES]> = SpinLock::new([0; LENT_PAGES]);

/// Makes it, unless it is there.
///
/// # Errors
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

/// Gives it back.
pub(super) fn end() {
    BLOCK.store(null_mut(), Ordering::Release);
    if let Some(block) = NonNull::new(ALLOCATION.swap(null_mut(), Ordering::AcqRel)) {
        // SAFETY: `start` allocated it; no driver is bound that could have an address of it.
        unsafe { pool::free(block, TAG) };
    }
}

/// The physical address of a byte of the block.
pub(super) fn physical(address: *const c_void) -> Option<usize> {
    let block = BLOCK.load(Ordering::Acquire);
    let offset = address.addr().checked_sub(block.addr())?;
    (!block.is_null() && offset < END).then_some(offset)
}

/// Lends so many bytes of RAM, as whole pages behind one another. Null if there are none.
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

/// Copies RAM, up to the first byte that is none. Gives how many bytes that were.
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
        // SAFETY: RAM is within the block; the caller has room for what is missing of `length`.
        unsafe { source.copy_to(target.wrapping_add(copied), part) };
        copied += part;
    }
    copied
}

/// How many bytes of RAM begin at an address.
fn rest_of_ram(address: usize) -> Option<usize> {
    RANGES
        .into_iter()
        .map(|(base, length)| base + length)
        .zip(RANGES)
        .find(|(end, (base, _))| (*base..*end).contains(&address))
        .map(|(end, _)| end - address)
}
