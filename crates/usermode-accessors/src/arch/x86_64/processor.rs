//! What the processor is, and how to stop on it.

use core::{
    arch::asm,
    sync::atomic::{AtomicU8, Ordering},
};

/// Ends the program, or the system, at once: `__fastfail`.
///
/// Source: "`__fastfail`", Microsoft C++ documentation.
pub(crate) fn fast_fail(code: u32) -> ! {
    // SAFETY: interrupt 29h with a code in ECX does not return and touches no memory of ours.
    unsafe { asm!("int 0x29", in("ecx") code, options(noreturn, nostack)) }
}

/// Whether this code runs in ring 0 of a processor that closes user memory to it.
///
/// CR4.SMAP is the same on all processors of a system and does not change, so it is read once.
pub(super) fn smap_is_on() -> bool {
    const UNKNOWN: u8 = 0;
    const OFF: u8 = 1;
    const ON: u8 = 2;
    static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

    match STATE.load(Ordering::Relaxed) {
        UNKNOWN => {
            let on = is_ring_0() && cr4_has_smap();
            STATE.store(if on { ON } else { OFF }, Ordering::Relaxed);
            on
        }
        state => state == ON,
    }
}

fn is_ring_0() -> bool {
    let selector: u32;
    // SAFETY: reading CS is allowed in every ring and changes nothing.
    unsafe {
        asm!("mov {0:e}, cs", out(reg) selector, options(nomem, nostack, preserves_flags));
    }
    let privilege = selector & 3;
    privilege == 0
}

/// For ring 0 only.
fn cr4_has_smap() -> bool {
    const CR4_SMAP: u64 = 1 << 21;
    let cr4: u64;
    // SAFETY: only called in ring 0, where reading CR4 is allowed and changes nothing.
    unsafe {
        asm!("mov {0}, cr4", out(reg) cr4, options(nomem, nostack, preserves_flags));
    }
    cr4 & CR4_SMAP != 0
}
