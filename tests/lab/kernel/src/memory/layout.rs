//! Who lives where in the virtual address space.
//!
//! The halves are those of 64-bit Windows: user memory below [`USER_LIMIT`], the system's in the
//! upper half, and nothing mapped at its physical address. Within the upper half each region has
//! a 512 GiB slot of the top-level table to itself, except for the page tables' own slot, which
//! the seed chooses, as Windows has chosen it at boot since version 1607.

/// The first address that user memory cannot have. Source: "`MmUserProbeAddress`" as x64 has it:
/// the last 64 KiB of the lower half belong to nobody.
pub(crate) const USER_LIMIT: u64 = 0x0000_7FFF_FFFF_0000;

/// The end of the lower half: the first non-canonical address.
pub(crate) const LOWER_HALF_END: u64 = 0x0000_8000_0000_0000;

/// Physical memory, linearly, for the lab's own use: the address in `lab.ld`.
pub(crate) const LINEAR: u64 = 0xFFFF_FFFF_8000_0000;

/// Bytes of physical memory that the linear region reaches.
pub(crate) const LINEAR_LENGTH: u64 = 1 << 30;

/// Pool allocations.
pub(crate) const POOL: u64 = 0xFFFF_AB00_0000_0000;

/// Mappings of single pages: contiguous memory, MDLs, reserved addresses, stacks, devices.
pub(crate) const MAPPINGS: u64 = 0xFFFF_BE80_0000_0000;

/// The mosaic, which fills some of its slot.
pub(crate) const MOSAIC: u64 = 0xFFFF_D300_0000_0000;

/// Driver images.
pub(crate) const IMAGES: u64 = 0xFFFF_F800_0000_0000;

/// The regions whose tables are made at start, so that all address spaces share them.
pub(crate) const REGIONS: [u64; 4] = [POOL, MAPPINGS, MOSAIC, IMAGES];

/// Bytes that are used of the pool and mapping regions, before addresses come back.
pub(crate) const REGION_LENGTH: u64 = 8 << 30;

/// Whether an address is in the half that Windows gives to user mode.
pub(crate) const fn is_lower_half(address: u64) -> bool {
    address < LOWER_HALF_END
}
