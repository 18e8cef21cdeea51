//! `memcpy` and its like: in assembly, because they may fault on a driver's behalf.

use core::arch::global_asm;

global_asm!(include_str!("memory_operations.s"));

unsafe extern "C" {
    pub(super) fn nt_memmove();
    pub(super) fn nt_memset();
    pub(super) fn nt_memcmp();
    pub(super) fn nt_compare_memory();
}
