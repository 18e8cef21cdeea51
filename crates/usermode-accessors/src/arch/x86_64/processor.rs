//! Features of the processor, and a fast fail.

use core::{
    arch::{
        asm, global_asm,
        x86_64::{__cpuid_count, __get_cpuid_max},
    },
    sync::atomic::{AtomicU32, Ordering},
};

/// Ends the program, or the system in the kernel, at once: `__fastfail`.
///
/// Source: "`__fastfail`", Microsoft C++ documentation.
pub(crate) fn fast_fail(code: u32) -> ! {
    // SAFETY: interrupt 29h with a code in ECX does not return and accesses no memory of the program.
    unsafe { asm!("int 0x29", in("ecx") code, options(noreturn, nostack)) }
}

/// This code runs in ring 0, and SMAP closes user memory to it.
pub(super) const SMAP: u32 = 1;
/// `REP MOVSB` and `REP STOSB` are fast for long ranges.
pub(super) const STRINGS: u32 = 2;

/// The features were not looked for yet. [`SMAP`] is then set as well, so that a guarded routine tests one bit.
pub(super) const NOT_FOUND: u32 = 4;

/// The features, for the guarded routines.
///
/// They are the same on all processors of a system and do not change, so they are found once.
pub(super) static FEATURES: AtomicU32 = AtomicU32::new(NOT_FOUND | SMAP);

/// Makes the guarded routines ready. They find the features themselves.
#[inline]
pub(in crate::arch) const fn prepare() {}

/// Returns which of [`SMAP`] and [`STRINGS`] hold.
#[inline]
pub(super) fn features() -> u32 {
    let features = FEATURES.load(Ordering::Relaxed);
    if features & NOT_FOUND == 0 {
        return features;
    }
    find_features()
}

/// Returns whether [`SMAP`] holds.
#[inline]
pub(in crate::arch) fn smap_is_on() -> bool {
    features() & SMAP != 0
}

#[cold]
extern "efiapi" fn find_features() -> u32 {
    let mut features = 0;
    if is_kernel() && cr4_has_smap() {
        features |= SMAP;
    }
    if has_enhanced_strings() {
        features |= STRINGS;
    }
    FEATURES.store(features, Ordering::Relaxed);
    features
}

// Finds the features, and preserves the registers of a guarded routine's arguments.
global_asm!(
    begin!("usermode_accessors_find_features"),
    "push rcx",
    on_windows!(".seh_stackalloc 8"),
    "push rdx",
    on_windows!(".seh_stackalloc 8"),
    "push r8",
    on_windows!(".seh_stackalloc 8"),
    "push r9",
    on_windows!(".seh_stackalloc 8"),
    "sub rsp, 40",
    on_windows!(".seh_stackalloc 40"),
    on_windows!(".seh_endprologue"),
    "call {find}",
    "add rsp, 40",
    "pop r9",
    "pop r8",
    "pop rdx",
    "pop rcx",
    "ret",
    end!(),
    find = sym find_features,
);

/// Source: "`CPUID`", leaf 7, "ERMS", Intel 64 and IA-32 Architectures Software Developer's Manual.
#[allow(unused_unsafe, reason = "CPUID is an unsafe function in Rust 1.91")]
fn has_enhanced_strings() -> bool {
    const STRUCTURED_FEATURES: u32 = 7;
    const EBX_ERMS: u32 = 1 << 9;
    // SAFETY: every processor with 64 bits has CPUID.
    let (highest, _) = unsafe { __get_cpuid_max(0) };
    if highest < STRUCTURED_FEATURES {
        return false;
    }
    // SAFETY: as above.
    let features = unsafe { __cpuid_count(STRUCTURED_FEATURES, 0) };
    features.ebx & EBX_ERMS != 0
}

/// Returns whether this code runs in ring 0.
///
/// Source: "Current Privilege Level" and "`MOV`", Intel 64 and IA-32 Architectures Software Developer's
/// Manual: the level is in the low two bits of CS, which every ring can read.
#[inline]
pub(crate) fn is_kernel() -> bool {
    let selector: u32;
    // SAFETY: reading CS is allowed in every ring and changes nothing.
    unsafe {
        asm!("mov {0:e}, cs", out(reg) selector, options(pure, nomem, nostack, preserves_flags));
    }
    let privilege = selector & 3;
    privilege == 0
}

/// Returns whether CR4.SMAP is set. For ring 0 only.
fn cr4_has_smap() -> bool {
    const CR4_SMAP: u64 = 1 << 21;
    let cr4: u64;
    // SAFETY: only called in ring 0, where reading CR4 is allowed and changes nothing.
    unsafe {
        asm!("mov {0}, cr4", out(reg) cr4, options(nomem, nostack, preserves_flags));
    }
    cr4 & CR4_SMAP != 0
}
