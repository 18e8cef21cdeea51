//! Copies from the last byte to the first, for a destination above a source that it overlaps.
//!
//! It moves blocks only if the ranges are at least a block apart. Closer ranges share bytes of a block:
//! the bytes that it stored before a fault would have overwritten source bytes of its second move.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{FAULTED, Record, Trap, USER_LIMIT, processor};

/// Moves blocks of 64 bytes. `$to` and `$from` point after the bytes that are left; `$start` is the
/// start of the destination.
macro_rules! move_blocks_down {
    ($to:literal, $from:literal, $start:literal) => {
        lines![
            "5:",
            concat!("sub x17, ", $to, ", ", $start),
            "cmp x17, #64",
            "b.lo 7f",
            concat!("ldp x4, x5, [", $from, ", #-16]"),
            concat!("ldp x6, x7, [", $from, ", #-32]"),
            concat!("ldp x12, x13, [", $from, ", #-48]"),
            concat!("ldp x14, x15, [", $from, ", #-64]"),
            concat!("stp x4, x5, [", $to, ", #-16]"),
            concat!("stp x6, x7, [", $to, ", #-32]"),
            concat!("stp x12, x13, [", $to, ", #-48]"),
            concat!("stp x14, x15, [", $to, ", #-64]"),
            concat!("sub ", $from, ", ", $from, ", #64"),
            concat!("sub ", $to, ", ", $to, ", #64"),
            "b 5b",
            "7:",
        ]
    };
}

/// Moves the rest byte by byte.
macro_rules! move_bytes_down {
    ($to:literal, $from:literal, $start:literal) => {
        lines![
            "8:",
            concat!("cmp ", $to, ", ", $start),
            "b.eq 9f",
            concat!("ldrb w4, [", $from, ", #-1]"),
            concat!("strb w4, [", $to, ", #-1]"),
            concat!("sub ", $from, ", ", $from, ", #1"),
            concat!("sub ", $to, ", ", $to, ", #1"),
            "b 8b",
            "9:",
        ]
    };
}

/// Defines a routine that copies. X8 is where the bytes end: the start of the destination, or above it.
macro_rules! copy_routines {
    ($($name:literal: $clamp:expr;)*) => {$(
        guarded_routine!(
            $name,
            memory: user,
            clamp: $clamp,
            setup: [
                "add x19, x1, x3",
                "add x20, x2, x3",
                "mov x8, x1",
                "sub x9, x19, x20",
                "cmp x9, #64",
                concat!("b.lo .Lresume_", $name)
            ],
            access: move_blocks_down!("x19", "x20", "x8"),
            recover: ["mov x8, x1"],
            // Moves the bytes above the guard page. The next byte below them is the one to report.
            guard: lines![
                "ldr x9, [x0, #{kind}]",
                "cmp x9, #{write}",
                "csel x9, x19, x20, eq",
                "sub x9, x9, #1",
                "ldr x10, [x0, #{address}]",
                "orr x11, x10, #0xFFF",
                "cmp x11, x9",
                "csel x11, x9, x11, hi",
                "sub x9, x9, x11",
                "sub x12, x19, x1",
                // Nothing is moved if the address is unknown or outside the range.
                "mov x8, x19",
                "cmn x10, #1",
                concat!("b.eq .Lresume_", $name),
                "cmp x9, x12",
                concat!("b.hs .Lresume_", $name),
                "str x11, [x0, #{address}]",
                "sub x8, x19, x9"
            ],
            resume: move_bytes_down!("x19", "x20", "x8"),
            result: ["sub x0, x19, x1"],
            operands: [
                kind = offset_of!(Record, kind),
                address = offset_of!(Record, address),
                write = Trap::WRITE,
            ],
        );
    )*};
}

copy_routines!(
    "usermode_accessors_copy_backward_from_user": clamp_range!("x2");
    "usermode_accessors_copy_backward_to_user": clamp_range!("x1");
    "usermode_accessors_copy_backward_within_user": clamp_range!("x1", "x2");
);

/// Copies from the last byte down, without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy_backward(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller guarantees both ranges. A block is loaded before any of it is stored.
    unsafe {
        asm!(
            move_blocks_down!("x0", "x1", "x2"),
            move_bytes_down!("x0", "x1", "x2"),
            inout("x0") destination.wrapping_add(length) => _,
            inout("x1") source.wrapping_add(length) => _,
            in("x2") destination,
            out("x4") _, out("x5") _, out("x6") _, out("x7") _,
            out("x12") _, out("x13") _, out("x14") _, out("x15") _,
            out("x17") _,
            options(nostack),
        );
    }
}
