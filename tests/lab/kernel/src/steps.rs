//! The instructions of a driver's own code, told apart from those of the lab and of other images.
//!
//! While a request is counted, the processor traps after each instruction (`RFLAGS.TF`), and the trap
//! looks at which image the next one is in. A string instruction with a `rep` prefix traps after each
//! repetition; it counts once, however many there are.
//!
//! The trap also serves [`alternation`](crate::alternation) and [`withheld`](crate::withheld): a lab
//! that counts has neither.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::cpu::flags;

/// The image whose instructions count: its address and its size in bytes. A size of 0: none.
static BASE: AtomicU64 = AtomicU64::new(0);
static SIZE: AtomicU64 = AtomicU64::new(0);
/// The instruction that the last trap came before.
static LAST: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Runs `work`, and returns how many instructions of the image of `size` bytes at `base` it took.
pub(crate) fn count<R>(base: u64, size: u64, work: impl FnOnce() -> R) -> (R, u64) {
    COUNT.store(0, Ordering::Relaxed);
    BASE.store(base, Ordering::Relaxed);
    SIZE.store(size, Ordering::Relaxed);
    // SAFETY: traps go to `stepped`, which changes nothing of this.
    unsafe {
        asm!(
            "pushfq",
            "or qword ptr [rsp], {trap}",
            "popfq",
            trap = const flags::TRAP,
        );
    }
    let result = work();
    // SAFETY: the state before.
    unsafe {
        asm!(
            "pushfq",
            "and qword ptr [rsp], {others}",
            "popfq",
            others = const !(flags::TRAP as i32),
        );
    }
    SIZE.store(0, Ordering::Relaxed);
    (result, COUNT.load(Ordering::Relaxed))
}

/// Counts the instruction that a trap came before. Returns whether instructions are counted. Takes no
/// lock: the trap comes inside of any.
pub(crate) fn stepped(instruction: u64) -> bool {
    let size = SIZE.load(Ordering::Relaxed);
    let repeats = LAST.swap(instruction, Ordering::Relaxed) == instruction;
    let inside = instruction.wrapping_sub(BASE.load(Ordering::Relaxed)) < size;
    if inside && !repeats {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
    size != 0
}
