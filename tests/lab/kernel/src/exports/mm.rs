//! The memory manager's functions, except MDLs and `MmCopyMemory`.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::bugcheck::{Code, bugcheck_here, violation};
use crate::failure;
use crate::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL, require_at_most};
use crate::memory::layout::user_limit;
use crate::memory::paging::Tables;
use crate::memory::ranges;
use crate::nt::strings;
use crate::pool::{self, Content, Owner};
use crate::raw;
use crate::reserved::{self, Constraints};

static USER_PROBE_ADDRESS: AtomicU64 = AtomicU64::new(0);
static HIGHEST_USER_ADDRESS: AtomicU64 = AtomicU64::new(0);

/// Returns the place of `MmUserProbeAddress`, the first address above user memory.
pub(super) fn user_probe_address() -> u64 {
    USER_PROBE_ADDRESS.store(user_limit(), Ordering::Relaxed);
    USER_PROBE_ADDRESS.as_ptr() as u64
}

/// Returns the place of `MmHighestUserAddress`, the last address of user memory.
pub(super) fn highest_user_address() -> u64 {
    HIGHEST_USER_ADDRESS.store(user_limit() - 1, Ordering::Relaxed);
    HIGHEST_USER_ADDRESS.as_ptr() as u64
}

const PAGE_READWRITE: u32 = 0x04;
const PAGE_NOCACHE: u32 = 0x200;

fn contiguous(
    function: &str,
    size: u64,
    (lowest, highest): (u64, u64),
    boundary: u64,
    uncached: bool,
) -> u64 {
    require_at_most(DISPATCH_LEVEL, function);
    if size == 0 {
        violation!("{function} was called for 0 bytes");
    }
    if failure::strikes() {
        return 0;
    }
    let constraints = Constraints {
        size,
        lowest,
        highest,
        boundary,
        uncached,
    };
    reserved::allocate_contiguous(&constraints).unwrap_or(0)
}

/// `MmAllocateContiguousNodeMemory` function (wdm.h): page-aligned, not initialised, NULL on
/// failure. The protections are `PAGE_READWRITE` with and without `PAGE_NOCACHE`. Nodes are
/// ignored, as on a machine with one node. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn MmAllocateContiguousNodeMemory(
    size: u64,
    lowest: u64,
    highest: u64,
    boundary: u64,
    protect: u32,
    _node: u32,
) -> u64 {
    if protect & !PAGE_NOCACHE != PAGE_READWRITE {
        violation!("MmAllocateContiguousNodeMemory was called for protection {protect:#x}");
    }
    if boundary != 0 && !boundary.is_power_of_two() {
        violation!("MmAllocateContiguousNodeMemory was called for a boundary of {boundary:#x}");
    }
    let uncached = protect & PAGE_NOCACHE != 0;
    let range = (lowest, highest);
    contiguous(
        "MmAllocateContiguousNodeMemory",
        size,
        range,
        boundary,
        uncached,
    )
}

/// `MmAllocateContiguousMemorySpecifyCache` function (wdm.h): `MmNonCached` (0) and `MmCached` (1).
pub(super) extern "win64" fn MmAllocateContiguousMemorySpecifyCache(
    size: u64,
    lowest: u64,
    highest: u64,
    boundary: u64,
    cache: u32,
) -> u64 {
    let function = "MmAllocateContiguousMemorySpecifyCache";
    contiguous(function, size, (lowest, highest), boundary, cache == 0)
}

/// `MmAllocateContiguousMemory` function (wdm.h).
pub(super) extern "win64" fn MmAllocateContiguousMemory(size: u64, highest: u64) -> u64 {
    contiguous("MmAllocateContiguousMemory", size, (0, highest), 0, false)
}

/// `MmFreeContiguousMemory` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn MmFreeContiguousMemory(address: u64) {
    require_at_most(DISPATCH_LEVEL, "MmFreeContiguousMemory");
    reserved::free_contiguous(address);
}

/// `MmFreeContiguousMemorySpecifyCache` function (wdm.h).
pub(super) extern "win64" fn MmFreeContiguousMemorySpecifyCache(
    address: u64,
    _size: u64,
    _cache: u32,
) {
    MmFreeContiguousMemory(address);
}

/// `MmAllocateMappingAddress` function (wdm.h): addresses without memory; NULL on failure. A size
/// of 0 is "Bug Check 0xDA", 0x100. IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn MmAllocateMappingAddress(size: u64, tag: u32) -> u64 {
    require_at_most(APC_LEVEL, "MmAllocateMappingAddress");
    if size == 0 {
        let parameters = [0x100, 0, u64::from(tag), 0];
        bugcheck_here(Code::SYSTEM_PTE_MISUSE, parameters);
    }
    if failure::strikes() {
        return 0;
    }
    reserved::reserve_addresses(size, tag).unwrap_or(0)
}

/// `MmAllocateMappingAddressEx` function (wdm.h): no flags are documented.
pub(super) extern "win64" fn MmAllocateMappingAddressEx(size: u64, tag: u32, _flags: u32) -> u64 {
    MmAllocateMappingAddress(size, tag)
}

/// `MmFreeMappingAddress` function (wdm.h): the addresses are unmapped. IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn MmFreeMappingAddress(address: u64, tag: u32) {
    require_at_most(APC_LEVEL, "MmFreeMappingAddress");
    reserved::release_addresses(address, tag);
}

/// `MmGetPhysicalAddress` function (wdm.h): of resident addresses; 0 for others.
pub(super) extern "win64" fn MmGetPhysicalAddress(address: u64) -> u64 {
    Tables::current()
        .walk(address)
        .map_or(0, |translation| translation.physical)
}

/// `MmGetPhysicalMemoryRanges` function (ntddk.h): pairs of base and bytes, ended by a zero pair,
/// in pool that the caller frees; NULL on failure. IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn MmGetPhysicalMemoryRanges() -> u64 {
    const TAG: u32 = u32::from_le_bytes(*b"hPmM");
    // Its page says PASSIVE_LEVEL; the pages of its successors say APC_LEVEL.
    require_at_most(APC_LEVEL, "MmGetPhysicalMemoryRanges");
    let all = ranges::listed();
    let size = (all.len() as u64 + 1) * 16;
    let Some(array) = pool::allocate(size, TAG, Content::Zeroed, Owner::Driver) else {
        return 0;
    };
    for (position, range) in all.iter().enumerate() {
        let place = array + position as u64 * 16;
        raw::write(place, range.start);
        raw::write(place + 8, range.end - range.start);
    }
    array
}

/// `MmGetPhysicalMemoryRangesEx` function (ntddk.h): only for the system's own partition, NULL.
pub(super) extern "win64" fn MmGetPhysicalMemoryRangesEx(partition: u64) -> u64 {
    if partition != 0 {
        violation!("the lab has one memory partition");
    }
    MmGetPhysicalMemoryRanges()
}

/// `MmGetPhysicalMemoryRangesEx2` function (ntddk.h): flags may also ask for file-only memory,
/// which the lab does not have.
pub(super) extern "win64" fn MmGetPhysicalMemoryRangesEx2(partition: u64, _flags: u32) -> u64 {
    MmGetPhysicalMemoryRangesEx(partition)
}

/// `MmGetSystemRoutineAddress` function (wdm.h): NULL for an unknown name. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn MmGetSystemRoutineAddress(name: u64) -> u64 {
    require_at_most(PASSIVE_LEVEL, "MmGetSystemRoutineAddress");
    super::own(&strings::read(name)).unwrap_or(0)
}
