//! What processors remember of page tables.

use wdk_sys::{ULONG_PTR, ntddk::KeIpiGenericCall};

/// `CR4.PGE`: pages may be global. Intel SDM volume 3, section 2.5.
const CR4_PGE: u64 = 1 << 7;

/// Has this processor walk the page tables for a page again, in the current address space.
#[inline]
pub fn drop_here(address: *const u8) {
    // SAFETY: invalidating a translation in ring 0 has no effect but to have it walked again. The
    // assembly counts as touching memory, so accesses stay on their side of it.
    unsafe {
        core::arch::asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags));
    }
}

/// Drops all that any processor remembers of any page, in every address space, before it returns.
///
/// `INVLPG` on each processor would not do: it leaves translations that the processor remembers for
/// other address spaces (process-context identifiers). A changed `CR4.PGE` drops those and the
/// global ones as well, and takes the same time for one page as for all. Intel SDM volume 3,
/// "Operations that Invalidate TLBs and Paging-Structure Caches"; AMD APM volume 2, "TLB
/// Management".
///
/// IRQL: below `IPI_LEVEL`, and no lock may be held that another processor waits for with interrupts
/// off.
pub fn drop_everywhere() {
    // SAFETY: the routine touches no memory and calls nothing: it may run at IPI_LEVEL.
    unsafe { KeIpiGenericCall(Some(drop_all), 0) };
}

/// The part of one processor, at `IPI_LEVEL`.
unsafe extern "C" fn drop_all(_context: ULONG_PTR) -> ULONG_PTR {
    // SAFETY: ring 0; nothing else runs on this processor between the two writes, the second of
    // which puts the register back. Whether pages may be global decides only what is remembered.
    unsafe {
        core::arch::asm!(
            "mov {was}, cr4",
            "mov {other}, {was}",
            "xor {other}, {pge}",
            "mov cr4, {other}",
            "mov cr4, {was}",
            was = out(reg) _,
            other = out(reg) _,
            pge = const CR4_PGE,
            options(nostack),
        );
    }
    0
}
