//! Pool.

use crate::bugcheck::{rule_broken, violation};
use crate::irql::{APC_LEVEL, DISPATCH_LEVEL, require_at_most};
use crate::pool::{self, Content, Kind};

/// `POOL_FLAG_*`, from "`POOL_FLAGS`", Windows driver documentation.
mod flags {
    pub(super) const USE_QUOTA: u64 = 0x01;
    pub(super) const UNINITIALIZED: u64 = 0x02;
    pub(super) const CACHE_ALIGNED: u64 = 0x08;
    pub(super) const RAISE_ON_FAILURE: u64 = 0x20;
    pub(super) const NON_PAGED: u64 = 0x40;
    pub(super) const PAGED: u64 = 0x100;
    pub(super) const KNOWN: u64 =
        USE_QUOTA | UNINITIALIZED | CACHE_ALIGNED | RAISE_ON_FAILURE | NON_PAGED | PAGED;
}

/// The highest bit of a tag is the flag `PROTECTED_POOL`.
const TAG_MASK: u32 = 0x7FFF_FFFF;

fn allocate(function: &str, paged: bool, size: u64, tag: u32, content: Content) -> u64 {
    let level = if paged { APC_LEVEL } else { DISPATCH_LEVEL };
    require_at_most(level, function);
    if tag == 0 {
        violation!("{function} was called without a tag");
    }
    if size == 0 {
        rule_broken!(PoolSize, "{function} was called for 0 bytes");
    }
    let kind = if paged { Kind::Paged } else { Kind::Nonpaged };
    pool::allocate_of(kind, size, tag & TAG_MASK, content).unwrap_or(0)
}

/// `ExAllocatePool2` function (wdm.h): zeroed unless `POOL_FLAG_UNINITIALIZED`; NULL on failure.
/// IRQL <= `DISPATCH_LEVEL`, for paged pool <= `APC_LEVEL`.
pub(super) extern "win64" fn ExAllocatePool2(pool: u64, size: u64, tag: u32) -> u64 {
    // The upper 32 bits are optional: unknown flags there are ignored.
    let required = pool & 0xFFFF_FFFF;
    if required & !flags::KNOWN != 0 {
        violation!("ExAllocatePool2 was called with flags {pool:#x}");
    }
    let paged = pool & flags::PAGED != 0;
    if paged == (pool & flags::NON_PAGED != 0) {
        violation!("ExAllocatePool2 was called without exactly one kind of pool: flags {pool:#x}");
    }
    if pool & flags::RAISE_ON_FAILURE != 0 {
        violation!("ExAllocatePool2 with POOL_FLAG_RAISE_ON_FAILURE is not supported by the lab");
    }
    let content = if pool & flags::UNINITIALIZED != 0 {
        Content::Uninitialized
    } else {
        Content::Zeroed
    };
    allocate("ExAllocatePool2", paged, size, tag, content)
}

/// `ExAllocatePoolWithTag` function (wdm.h): not initialised; NULL on failure. The pool types are
/// `PagedPool` (1) and `NonPagedPoolNx` (512). `NonPagedPool` (0), which is executable on Windows,
/// is refused.
pub(super) extern "win64" fn ExAllocatePoolWithTag(kind: u32, size: u64, tag: u32) -> u64 {
    let paged = match kind {
        1 => true,
        512 => false,
        _ => violation!("ExAllocatePoolWithTag was called for pool type {kind}"),
    };
    allocate(
        "ExAllocatePoolWithTag",
        paged,
        size,
        tag,
        Content::Uninitialized,
    )
}

/// `ExAllocatePool` function (wdm.h): as `ExAllocatePoolWithTag`, with the tag 'None'.
pub(super) extern "win64" fn ExAllocatePool(kind: u32, size: u64) -> u64 {
    ExAllocatePoolWithTag(kind, size, u32::from_le_bytes(*b"None"))
}

/// `ExFreePool` function (wdm.h): whatever the tag.
pub(super) extern "win64" fn ExFreePool(block: u64) {
    require_at_most(DISPATCH_LEVEL, "ExFreePool");
    pool::free(block, None);
}

/// `ExFreePoolWithTag` function (wdm.h): the tag must be the allocation's; 0 means any tag.
pub(super) extern "win64" fn ExFreePoolWithTag(block: u64, tag: u32) {
    require_at_most(DISPATCH_LEVEL, "ExFreePoolWithTag");
    pool::free(block, Some(tag & TAG_MASK).filter(|&tag| tag != 0));
}

/// `ExFreePool2` function (wdm.h): as `ExFreePoolWithTag`; without extended parameters.
pub(super) extern "win64" fn ExFreePool2(block: u64, tag: u32, parameters: u64, count: u32) {
    if parameters != 0 || count != 0 {
        violation!("ExFreePool2 with extended parameters is not supported by the lab");
    }
    ExFreePoolWithTag(block, tag);
}
