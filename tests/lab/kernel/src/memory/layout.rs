//! The layout of the virtual address space.
//!
//! The halves are those of 64-bit Windows: user memory below the [`user_limit`], system memory in the
//! upper half. Nothing is mapped at its physical address. Each region has its own 512 GiB slot of
//! the top-level table. The seed chooses the slot of the page tables, as Windows chooses it at boot
//! since version 1607.

/// The linear mapping of physical memory, for the lab's own use: the address in `lab.ld`.
pub(crate) const LINEAR: u64 = 0xFFFF_FFFF_8000_0000;

/// Bytes of physical memory in the linear mapping.
pub(crate) const LINEAR_LENGTH: u64 = 1 << 30;

/// Pool allocations.
pub(crate) const POOL: u64 = 0xFFFF_AB00_0000_0000;

/// Mappings of single pages: contiguous memory, MDLs, reserved addresses, stacks, devices.
pub(crate) const MAPPINGS: u64 = 0xFFFF_BE80_0000_0000;

/// The mixed mappings, which fill a part of their slot.
pub(crate) const MIXED_MAPPINGS: u64 = 0xFFFF_D300_0000_0000;

/// Driver images.
pub(crate) const IMAGES: u64 = 0xFFFF_F800_0000_0000;

/// Whether an address lies in the slot of the images.
pub(crate) const fn is_of_images(address: u64) -> bool {
    const SLOT_LENGTH: u64 = 512 << 30;
    address.wrapping_sub(IMAGES) < SLOT_LENGTH
}

/// The regions whose tables are made at boot, so that all address spaces share them.
pub(crate) const REGIONS: [u64; 4] = [POOL, MAPPINGS, MIXED_MAPPINGS, IMAGES];

/// Bytes of the pool and mapping regions that are used before addresses are reused.
pub(crate) const REGION_LENGTH: u64 = 8 << 30;

/// Returns the end of the lower half: the first non-canonical address.
pub(crate) fn lower_half_end() -> u64 {
    super::paging::page_length(super::paging::levels() + 1) / 2
}

/// Returns the first address above user memory. With four levels, Windows does not use the last
/// 64 KiB of the lower half. What it does with five is not documented; the lab does the same.
pub(crate) fn user_limit() -> u64 {
    lower_half_end() - 0x1_0000
}

/// Whether an address is in the half that Windows gives to user mode.
pub(crate) fn is_lower_half(address: u64) -> bool {
    address < lower_half_end()
}
