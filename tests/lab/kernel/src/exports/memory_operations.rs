//! `memcpy` and similar functions, in assembly: a fault in them is the driver's.

use core::arch::global_asm;

global_asm!(include_str!("memory_operations.s"));

unsafe extern "C" {
    pub(super) fn nt_memmove();
    pub(super) fn nt_memset();
    pub(super) fn nt_memcmp();
    pub(super) fn nt_compare_memory();
}
