//! Memory that the lab reserves for tests, and features of the machine.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::memory::layout::LINEAR;
use crate::memory::{PAGE, kernel_space, ranges, system};
use crate::raw;

/// Pages of constant data; unmapped memory follows.
const CONSTANT_PAGES: u64 = 3;
/// Pages for requests in kernel mode; unmapped memory follows.
const SCRATCH_PAGES: u64 = 16;
const LARGE_PAGE: u64 = 2 << 20;

static CONSTANT: AtomicU64 = AtomicU64::new(0);
static SCRATCH: AtomicU64 = AtomicU64::new(0);
static PROTECTED: AtomicBool = AtomicBool::new(false);

pub(crate) fn initialize(protected: bool) {
    let constant = system::allocate_permanent(CONSTANT_PAGES);
    for offset in 0..CONSTANT_PAGES * PAGE {
        // No byte repeats at a page's distance.
        raw::write(constant + offset, (offset * 7 + offset / 253) as u8);
    }
    CONSTANT.store(constant, Ordering::Relaxed);
    SCRATCH.store(system::allocate_permanent(SCRATCH_PAGES), Ordering::Relaxed);
    PROTECTED.store(protected, Ordering::Relaxed);
}

/// Returns the address and length of the constant data.
pub(crate) fn constant() -> (u64, u64) {
    (CONSTANT.load(Ordering::Relaxed), CONSTANT_PAGES * PAGE)
}

/// Returns the address and length of the scratch memory.
pub(crate) fn scratch() -> (u64, u64) {
    (SCRATCH.load(Ordering::Relaxed), SCRATCH_PAGES * PAGE)
}

/// Returns a system address of RAM that a large page maps. It is after the kernel's image, which
/// has small pages.
pub(crate) fn large_page() -> u64 {
    let first = kernel_space::image_end().next_multiple_of(LARGE_PAGE);
    let found = (first..ranges::end())
        .step_by(LARGE_PAGE as usize)
        .find(|&address| ranges::is_ram(address) && ranges::is_ram(address + LARGE_PAGE - PAGE));
    found.map_or(0, |address| LINEAR + address)
}

/// Whether SMEP and SMAP are on.
pub(crate) fn supervisor_protection() -> bool {
    PROTECTED.load(Ordering::Relaxed)
}
