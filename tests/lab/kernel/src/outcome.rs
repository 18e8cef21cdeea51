//! How a run ends.

use crate::cpu;

/// What the virtual machine exits with. QEMU's own exit status is `value << 1 | 1`.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(crate) enum Outcome {
    /// Exit status 33: everything asked for was done.
    Done = 0x10,
    /// Exit status 35: an image could not be loaded.
    NotLoaded = 0x11,
    /// Exit status 37, `mode=load` only: the driver left something behind.
    Leaked = 0x12,
    /// Exit status 39, `mode=load` only: the driver's entry point failed.
    EntryFailed = 0x13,
    /// Exit status 65: the driver broke a rule, see the `BUGCHECK` line.
    Bugcheck = 0x20,
    /// Exit status 97: the lab itself is at fault.
    Panic = 0x30,
}

/// QEMU's `isa-debug-exit` device, where the host puts it.
const DEBUG_EXIT: u16 = 0xF4;

pub(crate) fn end(outcome: Outcome) -> ! {
    cpu::out32(DEBUG_EXIT, outcome as u32);
    cpu::halt()
}
