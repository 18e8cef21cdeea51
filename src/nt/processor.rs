//! The properties of the processor.

use mm_copy::Levels;
use wdk_sys::{PASSIVE_LEVEL, ntddk::KeGetCurrentIrql};

/// `CR4.LA57`: five levels of page tables. Intel SDM volume 3, section 2.5.
const CR4_LA57: u64 = 1 << 12;

/// `CR4.SMAP`.
const CR4_SMAP: u64 = 1 << 21;

#[cfg(target_arch = "x86_64")]
fn cr4() -> u64 {
    let value: u64;
    // SAFETY: reading a control register in ring 0 has no effect.
    unsafe {
        core::arch::asm!("mov {}, cr4", out(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}

/// Returns `CR3`: the root of the page tables of the current address space. System addresses are
/// mapped alike in every address space.
#[cfg(target_arch = "x86_64")]
pub fn page_table_root() -> u64 {
    let value: u64;
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("mov {}, cr3", out(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}

/// Returns whether the thread runs at `PASSIVE_LEVEL`, at which memory can be paged in.
pub fn is_at_passive_level() -> bool {
    // SAFETY: may be called at any IRQL.
    let level = unsafe { KeGetCurrentIrql() };
    u32::from(level) == PASSIVE_LEVEL
}

/// Returns the number of page-table levels that the processor walks.
pub fn paging_levels() -> Levels {
    if cr4() & CR4_LA57 == 0 {
        Levels::Four
    } else {
        Levels::Five
    }
}

/// Returns whether supervisor-mode access prevention is on.
pub fn supervisor_access_prevention() -> bool {
    cr4() & CR4_SMAP != 0
}

/// Returns the number of bits in a physical address.
#[cfg(target_arch = "x86_64")]
pub fn physical_address_bits() -> u32 {
    use core::arch::x86_64::__cpuid;

    // Leaf 8000_0008, EAX bits 7 to 0; every 64-bit processor has it.
    let width = __cpuid(0x8000_0008).eax & 0xFF;
    // Memory encryption reduces the width: leaf 8000_001F, EBX bits 11 to 6. AMD APM volume 3, E.4.17.
    let reduction = if __cpuid(0x8000_0000).eax >= 0x8000_001F {
        __cpuid(0x8000_001F).ebx >> 6 & 0x3F
    } else {
        0
    };
    width.saturating_sub(reduction)
}
