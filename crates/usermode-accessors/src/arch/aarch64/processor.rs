//! Features of the processor, and a fast fail.

use core::{
    arch::asm,
    sync::atomic::{AtomicU8, Ordering},
};

/// Ends the program, or the system in the kernel, at once: `__fastfail`.
///
/// Source: "`__fastfail`", Microsoft C++ documentation.
pub(crate) fn fast_fail(code: u32) -> ! {
    // SAFETY: breakpoint F003h with a code in W0 does not return and accesses no memory of the program.
    unsafe { asm!("brk #0xF003", in("w0") code, options(noreturn, nostack)) }
}

/// Whether user memory can be closed to this code, for the guarded routines: [`UNKNOWN`], [`NO`] or
/// [`YES`].
///
/// This is the same on all processors of a system and does not change, so it is found once.
pub(super) static PAN_STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

const UNKNOWN: u8 = 0;
const NO: u8 = 1;
/// A routine tests this bit.
const YES: u8 = 2;

/// Makes the guarded routines ready: [`PAN_STATE`] is known.
#[inline]
pub(in crate::arch) fn prepare() {
    pan_is_there();
}

/// Returns whether this code runs in the kernel, on a processor that can close user memory to it.
pub(in crate::arch) fn pan_is_there() -> bool {
    match PAN_STATE.load(Ordering::Relaxed) {
        UNKNOWN => {
            let there = is_kernel() && processor_has_pan();
            PAN_STATE.store(if there { YES } else { NO }, Ordering::Relaxed);
            there
        }
        state => state == YES,
    }
}

/// Returns whether this code is in the upper half of the address space, where only the kernel executes.
/// User mode cannot read CurrentEL, the register with the exception level.
///
/// Source: "Virtual address spaces", Windows driver documentation; "`CurrentEL`", Arm Architecture
/// Reference Manual.
#[inline]
pub(crate) fn is_kernel() -> bool {
    const UPPER_HALF: usize = 1 << 63;
    let here = is_kernel as fn() -> bool;
    (here as usize) & UPPER_HALF != 0
}

/// Returns whether the processor has PSTATE.PAN. For the kernel only.
fn processor_has_pan() -> bool {
    const PAN_SHIFT: u64 = 20;
    const FIELD: u64 = 0xF;
    let features: u64;
    // SAFETY: only called in the kernel, which can read ID_AA64MMFR1_EL1; it changes nothing.
    unsafe {
        asm!("mrs {0}, s3_0_c0_c7_1", out(reg) features, options(nomem, nostack, preserves_flags));
    }
    (features >> PAN_SHIFT) & FIELD != 0
}
