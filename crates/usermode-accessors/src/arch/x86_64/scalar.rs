//! Reads and writes of exactly one instruction, guarded and direct.
//!
//! Acquire and release cost no instruction here: the processor moves no access before an earlier
//! load and no store before an earlier access. They only hold back the compiler.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
    sync::atomic::{Ordering, compiler_fence},
};

use super::{EFLAGS_AC, Record, processor};
use crate::arch::{Trap, Width, guarded_read, guarded_write};

guarded_access!("usermode_accessors_read1", setup: [], access: "movzx eax, byte ptr [rdx]");
guarded_access!("usermode_accessors_read2", setup: [], access: "movzx eax, word ptr [rdx]");
guarded_access!("usermode_accessors_read4", setup: [], access: "mov eax, dword ptr [rdx]");
guarded_access!("usermode_accessors_read8", setup: [], access: "mov rax, qword ptr [rdx]");
guarded_access!("usermode_accessors_write1", setup: [], access: "mov byte ptr [rdx], r8b");
guarded_access!("usermode_accessors_write2", setup: [], access: "mov word ptr [rdx], r8w");
guarded_access!("usermode_accessors_write4", setup: [], access: "mov dword ptr [rdx], r8d");
guarded_access!("usermode_accessors_write8", setup: [], access: "mov qword ptr [rdx], r8");

/// As [`guarded_read`], and no later access of this thread is made before it.
///
/// # Safety
///
/// As for [`guarded_read`].
#[inline]
pub(crate) unsafe fn guarded_read_acquire(source: *const u8, width: Width) -> Result<u64, Trap> {
    // SAFETY: the caller's promise is the same.
    let value = unsafe { guarded_read(source, width) };
    compiler_fence(Ordering::Acquire);
    value
}

/// As [`guarded_write`], and every earlier access of this thread is made before it.
///
/// # Safety
///
/// As for [`guarded_write`].
#[inline]
pub(crate) unsafe fn guarded_write_release(
    destination: *mut u8,
    value: u64,
    width: Width,
) -> Result<(), Trap> {
    compiler_fence(Ordering::Release);
    // SAFETY: the caller's promise is the same.
    unsafe { guarded_write(destination, value, width) }
}

/// Reads with exactly one instruction of the given width, zero-extended, without a guard. Fit for
/// device memory if the address is aligned.
///
/// # Safety
///
/// The range is valid.
#[inline]
pub(crate) unsafe fn read(source: *const u8, width: Width) -> u64 {
    let value: u64;
    match width {
        // SAFETY: the caller vouches for the range.
        Width::One => unsafe {
            asm!("movzx {0:e}, byte ptr [{1}]", out(reg) value, in(reg) source, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Two => unsafe {
            asm!("movzx {0:e}, word ptr [{1}]", out(reg) value, in(reg) source, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Four => unsafe {
            asm!("mov {0:e}, dword ptr [{1}]", out(reg) value, in(reg) source, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Eight => unsafe {
            asm!("mov {0}, qword ptr [{1}]", out(reg) value, in(reg) source, options(nostack, preserves_flags));
        },
    }
    value
}

/// As [`read`], and no later access of this thread is made before it.
///
/// # Safety
///
/// As for [`read`].
#[inline]
pub(crate) unsafe fn read_acquire(source: *const u8, width: Width) -> u64 {
    // SAFETY: the caller's promise is the same.
    let value = unsafe { read(source, width) };
    compiler_fence(Ordering::Acquire);
    value
}

/// Writes the low bytes of `value` with exactly one instruction of the width, without a guard.
/// Fit for device memory if the address is aligned.
///
/// # Safety
///
/// The range is valid.
#[inline]
pub(crate) unsafe fn write(destination: *mut u8, value: u64, width: Width) {
    match width {
        // SAFETY: the caller vouches for the range.
        Width::One => unsafe {
            asm!("mov byte ptr [{0}], {1}", in(reg) destination, in(reg_byte) value.to_le_bytes()[0], options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Two => unsafe {
            asm!("mov word ptr [{0}], {1:x}", in(reg) destination, in(reg) value, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Four => unsafe {
            asm!("mov dword ptr [{0}], {1:e}", in(reg) destination, in(reg) value, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Eight => unsafe {
            asm!("mov qword ptr [{0}], {1}", in(reg) destination, in(reg) value, options(nostack, preserves_flags));
        },
    }
}

/// As [`write`], and every earlier access of this thread is made before it.
///
/// # Safety
///
/// As for [`write`].
#[inline]
pub(crate) unsafe fn write_release(destination: *mut u8, value: u64, width: Width) {
    compiler_fence(Ordering::Release);
    // SAFETY: the caller's promise is the same.
    unsafe { write(destination, value, width) };
}
