//! Reads and writes of exactly one instruction, guarded and direct.
//!
//! Acquire and release cost no instruction here: the processor moves no access before an earlier
//! load, and no store before an earlier access. Only the compiler must not reorder them.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
    sync::atomic::{Ordering, compiler_fence},
};

use super::{EFLAGS_AC, FAULTED, Record, USER_LIMIT, processor};
use crate::arch::{Trap, Width, guarded_read, guarded_write};

/// Defines guarded routines, each with its access. A routine that reads has a second form for kernel
/// memory.
macro_rules! accesses {
    (reads: $($name:literal, $closed:literal, $returns:ident: $access:literal;)*) => {
        $(
            guarded_access!($name, setup: [], access: $access, returns: $returns);
            closed_access!($closed, access: $access, returns: $returns);
        )*
    };
    (writes: $($name:literal: $access:literal;)*) => {
        $(guarded_access!($name, setup: [], access: $access, returns: nothing);)*
    };
}

accesses!(reads:
    "usermode_accessors_read1", "usermode_accessors_read1_closed", narrow: "movzx eax, byte ptr [rdx]";
    "usermode_accessors_read2", "usermode_accessors_read2_closed", narrow: "movzx eax, word ptr [rdx]";
    "usermode_accessors_read4", "usermode_accessors_read4_closed", narrow: "mov eax, dword ptr [rdx]";
    "usermode_accessors_read8", "usermode_accessors_read8_closed", wide: "mov rax, qword ptr [rdx]";
);
accesses!(writes:
    "usermode_accessors_write1": "mov byte ptr [rdx], r8b";
    "usermode_accessors_write2": "mov word ptr [rdx], r8w";
    "usermode_accessors_write4": "mov dword ptr [rdx], r8d";
    "usermode_accessors_write8": "mov qword ptr [rdx], r8";
);

/// Reads as [`guarded_read`] does. No later access of this thread is made before it.
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

/// Writes as [`guarded_write`] does. Every earlier access of this thread is made before it.
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

/// Reads with exactly one instruction of the given width, zero-extended, without a guard. The address
/// may be device memory if it is aligned.
///
/// # Safety
///
/// The range is valid.
#[inline]
pub(crate) unsafe fn read(source: *const u8, width: Width) -> u64 {
    match width {
        Width::One => load!("movzx {0:e}, byte ptr [{1}]", source),
        Width::Two => load!("movzx {0:e}, word ptr [{1}]", source),
        Width::Four => load!("mov {0:e}, dword ptr [{1}]", source),
        Width::Eight => load!("mov {0}, qword ptr [{1}]", source),
    }
}

/// Reads as [`read`] does. No later access of this thread is made before it.
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

/// Writes the low bytes of `value` with exactly one instruction of the given width, without a guard.
/// The address may be device memory if it is aligned.
///
/// # Safety
///
/// The range is valid.
#[inline]
pub(crate) unsafe fn write(destination: *mut u8, value: u64, width: Width) {
    match width {
        // SAFETY: the caller guarantees the range.
        Width::One => unsafe {
            asm!("mov byte ptr [{0}], {1}", in(reg) destination, in(reg_byte) value.to_le_bytes()[0], options(nostack, preserves_flags));
        },
        Width::Two => store!("mov word ptr [{0}], {1:x}", destination, value),
        Width::Four => store!("mov dword ptr [{0}], {1:e}", destination, value),
        Width::Eight => store!("mov qword ptr [{0}], {1}", destination, value),
    }
}

/// Writes as [`write`] does. Every earlier access of this thread is made before it.
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
