//! Reads and writes of exactly one instruction, guarded and direct.
//!
//! Acquire is `LDAR` and release is `STLR`. Those require an aligned address, which the accessors do
//! not. A misaligned address is accessed by a plain instruction, with `DMB` after a read or before a
//! write.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{FAULTED, Record, USER_LIMIT, processor};
use crate::arch::{
    Trap, Width, guarded_read, guarded_write,
    scalar::{Read, Write, guarded_read_by, guarded_write_by},
};

/// Defines routines that read.
macro_rules! reads {
    ($($name:literal, $memory:ident, $clamp:expr, $returns:ident: $access:literal;)*) => {$(
        number_routine!($name, $memory, $clamp, $returns, $access);
    )*};
}

macro_rules! writes {
    ($($name:literal: $access:literal;)*) => {$(
        guarded_routine!(
            $name,
            memory: user,
            clamp: clamp!("x1"),
            setup: [],
            access: $access,
            done: ["mov x0, #0"],
            faulted: ["mov x0, #1"],
            result: [],
        );
    )*};
}

reads!(
    "usermode_accessors_read1", user, clamp!("x1"), narrow: "ldrb w19, [x1]";
    "usermode_accessors_read2", user, clamp!("x1"), narrow: "ldrh w19, [x1]";
    "usermode_accessors_read4", user, clamp!("x1"), narrow: "ldr w19, [x1]";
    "usermode_accessors_read8", user, clamp!("x1"), wide: "ldr x19, [x1]";
    "usermode_accessors_read1_closed", kernel, "", narrow: "ldrb w19, [x1]";
    "usermode_accessors_read2_closed", kernel, "", narrow: "ldrh w19, [x1]";
    "usermode_accessors_read4_closed", kernel, "", narrow: "ldr w19, [x1]";
    "usermode_accessors_read8_closed", kernel, "", wide: "ldr x19, [x1]";
    "usermode_accessors_read_acquire1", user, clamp!("x1"), narrow: "ldarb w19, [x1]";
    "usermode_accessors_read_acquire2", user, clamp!("x1"), narrow: "ldarh w19, [x1]";
    "usermode_accessors_read_acquire4", user, clamp!("x1"), narrow: "ldar w19, [x1]";
    "usermode_accessors_read_acquire8", user, clamp!("x1"), wide: "ldar x19, [x1]";
);
writes!(
    "usermode_accessors_write1": "strb w2, [x1]";
    "usermode_accessors_write2": "strh w2, [x1]";
    "usermode_accessors_write4": "str w2, [x1]";
    "usermode_accessors_write8": "str x2, [x1]";
    "usermode_accessors_write_release1": "stlrb w2, [x1]";
    "usermode_accessors_write_release2": "stlrh w2, [x1]";
    "usermode_accessors_write_release4": "stlr w2, [x1]";
    "usermode_accessors_write_release8": "stlr x2, [x1]";
);

unsafe extern "efiapi" {
    fn usermode_accessors_read_acquire1(record: *mut Record, source: *const u8) -> u64;
    fn usermode_accessors_read_acquire2(record: *mut Record, source: *const u8) -> u64;
    fn usermode_accessors_read_acquire4(record: *mut Record, source: *const u8) -> u64;
    fn usermode_accessors_read_acquire8(record: *mut Record, source: *const u8) -> u64;
    fn usermode_accessors_write_release1(
        record: *mut Record,
        destination: *mut u8,
        value: u64,
    ) -> usize;
    fn usermode_accessors_write_release2(
        record: *mut Record,
        destination: *mut u8,
        value: u64,
    ) -> usize;
    fn usermode_accessors_write_release4(
        record: *mut Record,
        destination: *mut u8,
        value: u64,
    ) -> usize;
    fn usermode_accessors_write_release8(
        record: *mut Record,
        destination: *mut u8,
        value: u64,
    ) -> usize;
}

fn is_aligned(address: *const u8, width: Width) -> bool {
    address.addr() & (width as usize).wrapping_sub(1) == 0
}

/// Keeps later accesses of this thread after its earlier reads.
fn barrier_after_read() {
    // SAFETY: a barrier accesses nothing.
    unsafe { asm!("dmb ishld", options(nostack, preserves_flags)) };
}

/// Keeps earlier accesses of this thread before its later writes.
fn barrier_before_write() {
    // SAFETY: a barrier accesses nothing.
    unsafe { asm!("dmb ish", options(nostack, preserves_flags)) };
}

/// Reads as [`guarded_read`] does. No later access of this thread is made before it.
///
/// # Safety
///
/// As for [`guarded_read`].
pub(crate) unsafe fn guarded_read_acquire(source: *const u8, width: Width) -> Result<u64, Trap> {
    if !is_aligned(source, width) {
        // SAFETY: the caller's promise is the same.
        let value = unsafe { guarded_read(source, width) };
        barrier_after_read();
        return value;
    }
    let routine: Read = match width {
        Width::One => usermode_accessors_read_acquire1,
        Width::Two => usermode_accessors_read_acquire2,
        Width::Four => usermode_accessors_read_acquire4,
        Width::Eight => usermode_accessors_read_acquire8,
    };
    // SAFETY: the caller's promise is the same.
    unsafe { guarded_read_by(routine, source) }
}

/// Writes as [`guarded_write`] does. Every earlier access of this thread is made before it.
///
/// # Safety
///
/// As for [`guarded_write`].
pub(crate) unsafe fn guarded_write_release(
    destination: *mut u8,
    value: u64,
    width: Width,
) -> Result<(), Trap> {
    if !is_aligned(destination, width) {
        barrier_before_write();
        // SAFETY: the caller's promise is the same.
        return unsafe { guarded_write(destination, value, width) };
    }
    let routine: Write = match width {
        Width::One => usermode_accessors_write_release1,
        Width::Two => usermode_accessors_write_release2,
        Width::Four => usermode_accessors_write_release4,
        Width::Eight => usermode_accessors_write_release8,
    };
    // SAFETY: the caller's promise is the same.
    unsafe { guarded_write_by(routine, destination, value) }
}

/// Reads with exactly one instruction of the given width, zero-extended, without a guard. The address
/// may be device memory if it is aligned.
///
/// # Safety
///
/// The range is valid.
pub(crate) unsafe fn read(source: *const u8, width: Width) -> u64 {
    match width {
        Width::One => load!("ldrb {0:w}, [{1}]", source),
        Width::Two => load!("ldrh {0:w}, [{1}]", source),
        Width::Four => load!("ldr {0:w}, [{1}]", source),
        Width::Eight => load!("ldr {0}, [{1}]", source),
    }
}

/// Reads as [`read`] does. No later access of this thread is made before it.
///
/// # Safety
///
/// As for [`read`].
pub(crate) unsafe fn read_acquire(source: *const u8, width: Width) -> u64 {
    if !is_aligned(source, width) {
        // SAFETY: the caller's promise is the same.
        let value = unsafe { read(source, width) };
        barrier_after_read();
        return value;
    }
    match width {
        Width::One => load!("ldarb {0:w}, [{1}]", source),
        Width::Two => load!("ldarh {0:w}, [{1}]", source),
        Width::Four => load!("ldar {0:w}, [{1}]", source),
        Width::Eight => load!("ldar {0}, [{1}]", source),
    }
}

/// Writes the low bytes of `value` with exactly one instruction of the given width, without a guard.
/// The address may be device memory if it is aligned.
///
/// # Safety
///
/// The range is valid.
pub(crate) unsafe fn write(destination: *mut u8, value: u64, width: Width) {
    match width {
        Width::One => store!("strb {1:w}, [{0}]", destination, value),
        Width::Two => store!("strh {1:w}, [{0}]", destination, value),
        Width::Four => store!("str {1:w}, [{0}]", destination, value),
        Width::Eight => store!("str {1}, [{0}]", destination, value),
    }
}

/// Writes as [`write`] does. Every earlier access of this thread is made before it.
///
/// # Safety
///
/// As for [`write`].
pub(crate) unsafe fn write_release(destination: *mut u8, value: u64, width: Width) {
    if !is_aligned(destination, width) {
        barrier_before_write();
        // SAFETY: the caller's promise is the same.
        return unsafe { write(destination, value, width) };
    }
    match width {
        Width::One => store!("stlrb {1:w}, [{0}]", destination, value),
        Width::Two => store!("stlrh {1:w}, [{0}]", destination, value),
        Width::Four => store!("stlr {1:w}, [{0}]", destination, value),
        Width::Eight => store!("stlr {1}, [{0}]", destination, value),
    }
}
