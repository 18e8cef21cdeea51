//! Instructions that Rust has no function for.

use core::arch::asm;

pub(crate) mod cr4 {
    pub(crate) const LA57: u64 = 1 << 12;
    pub(crate) const SMEP: u64 = 1 << 20;
    pub(crate) const SMAP: u64 = 1 << 21;
}

/// Flags register bits.
pub(crate) mod flags {
    /// The next instruction traps when it is done.
    pub(crate) const TRAP: u64 = 1 << 8;
    pub(crate) const INTERRUPT: u64 = 1 << 9;
    pub(crate) const DIRECTION: u64 = 1 << 10;
    pub(crate) const ALIGNMENT_CHECK: u64 = 1 << 18;
}

macro_rules! control_register {
    (read $function:ident, $name:literal) => {
        pub(crate) fn $function() -> u64 {
            let value: u64;
            // SAFETY: reading a control register in ring 0 changes nothing.
            unsafe { asm!(concat!("mov {}, ", $name), out(reg) value, options(nomem, nostack)) };
            value
        }
    };
    (write $function:ident, $name:literal) => {
        pub(crate) fn $function(value: u64) {
            // SAFETY: callers load values under which the kernel's own code, data and stack stay
            // mapped and permitted.
            unsafe { asm!(concat!("mov ", $name, ", {}"), in(reg) value, options(nostack)) };
        }
    };
}
control_register!(read read_cr2, "cr2");
control_register!(read read_cr3, "cr3");
control_register!(write write_cr3, "cr3");
control_register!(read read_cr4, "cr4");
control_register!(write write_cr4, "cr4");
control_register!(read read_cr8, "cr8");
control_register!(write write_cr8, "cr8");

/// Bits of [`structured_features`].
pub(crate) const HAS_SMEP: u32 = 1 << 7;
pub(crate) const HAS_SMAP: u32 = 1 << 20;

/// Returns EBX of CPUID function 7.
pub(crate) fn structured_features() -> u32 {
    core::arch::x86_64::__cpuid_count(7, 0).ebx
}

/// Returns the bits in a physical address: CPUID function 0x80000008.
pub(crate) fn physical_address_bits() -> u32 {
    core::arch::x86_64::__cpuid(0x8000_0008).eax & 0xFF
}

/// Whether an entry may map 1 GiB: CPUID function 0x80000001.
pub(crate) fn has_gigabyte_pages() -> bool {
    core::arch::x86_64::__cpuid(0x8000_0001).edx >> 26 & 1 != 0
}

/// Reads the time-stamp counter.
pub(crate) fn time_stamp() -> u64 {
    // SAFETY: reading it changes nothing.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Returns the selector in the task register.
pub(crate) fn task_register() -> u16 {
    let selector: u16;
    // SAFETY: reading the register changes nothing.
    unsafe { asm!("str {:x}", out(reg) selector, options(nomem, nostack, preserves_flags)) };
    selector
}

pub(crate) fn invalidate_page(address: u64) {
    // SAFETY: drops a translation; the next access walks the tables.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

pub(crate) fn enable_interrupts() {
    // SAFETY: the interrupt table is loaded before the first call.
    unsafe { asm!("sti", options(nostack)) };
}

pub(crate) fn disable_interrupts() {
    // SAFETY: only delays interrupts.
    unsafe { asm!("cli", options(nostack)) };
}

/// Sleeps until an interrupt. Interrupts are off before and after. A pending interrupt ends the
/// sleep, too: the processor takes none between STI and HLT.
pub(crate) fn sleep() {
    // SAFETY: the interrupt table is loaded before the first call.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

pub(crate) fn halt() -> ! {
    loop {
        // SAFETY: stops the processor until an interrupt, for ever.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

pub(crate) fn out8(port: u16, value: u8) {
    // SAFETY: the ports that the lab writes are the serial line and the interrupt controllers.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack)) };
}

pub(crate) fn out32(port: u16, value: u32) {
    // SAFETY: the ports written this way end the virtual machine, and configure PCI devices
    // that no code uses.
    unsafe { asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack)) };
}

pub(crate) fn in32(port: u16) -> u32 {
    let value;
    // SAFETY: the port read this way is that of PCI configuration.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack)) };
    value
}
