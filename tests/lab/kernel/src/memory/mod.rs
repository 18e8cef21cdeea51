//! Physical frames, page tables, and the address spaces built from them.

pub(crate) mod frames;
pub(crate) mod heap;
pub(crate) mod kernel_space;
pub(crate) mod layout;
pub(crate) mod mixed_mappings;
pub(crate) mod paging;
pub(crate) mod paging_file;
pub(crate) mod phys;
pub(crate) mod ranges;
pub(crate) mod reservations;
pub(crate) mod system;
pub(crate) mod user;

/// Bytes in a page.
pub(crate) const PAGE: u64 = 4096;

/// The first address of the page that holds `address`.
pub(crate) const fn page_of(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// Pages that `length` bytes from `address` on lie in.
pub(crate) const fn pages_spanned(address: u64, length: u64) -> u64 {
    (address % PAGE + length).div_ceil(PAGE)
}
