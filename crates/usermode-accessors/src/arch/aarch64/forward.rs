//! Copies and fills from the first byte to the last.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{Record, Trap};

/// Blocks of 64 and of 16 bytes, as long as there are such. `$to` and `$from` stand at the next
/// byte, `$end` is the end of the destination; they move only after a block was stored, so that a
/// fault finds both at its start.
macro_rules! copy_blocks {
    ($to:literal, $from:literal, $end:literal, $load:literal, $store:literal) => {
        lines![
            "5:",
            concat!("sub x17, ", $end, ", ", $to),
            "cmp x17, #64",
            "b.lo 6f",
            concat!($load, " x4, x5, [", $from, "]"),
            concat!($load, " x6, x7, [", $from, ", #16]"),
            concat!($load, " x12, x13, [", $from, ", #32]"),
            concat!($load, " x14, x15, [", $from, ", #48]"),
            concat!($store, " x4, x5, [", $to, "]"),
            concat!($store, " x6, x7, [", $to, ", #16]"),
            concat!($store, " x12, x13, [", $to, ", #32]"),
            concat!($store, " x14, x15, [", $to, ", #48]"),
            concat!("add ", $from, ", ", $from, ", #64"),
            concat!("add ", $to, ", ", $to, ", #64"),
            "b 5b",
            "6:",
            "cmp x17, #16",
            "b.lo 7f",
            concat!($load, " x4, x5, [", $from, "]"),
            concat!($store, " x4, x5, [", $to, "]"),
            concat!("add ", $from, ", ", $from, ", #16"),
            concat!("add ", $to, ", ", $to, ", #16"),
            "sub x17, x17, #16",
            "b 6b",
            "7:",
        ]
    };
}

/// The rest, byte by byte.
macro_rules! copy_bytes {
    ($to:literal, $from:literal, $end:literal) => {
        lines![
            "8:",
            concat!("cmp ", $to, ", ", $end),
            "b.eq 9f",
            concat!("ldrb w4, [", $from, "]"),
            concat!("strb w4, [", $to, "]"),
            concat!("add ", $from, ", ", $from, ", #1"),
            concat!("add ", $to, ", ", $to, ", #1"),
            "b 8b",
            "9:",
        ]
    };
}

/// Has the bytes end where the exception says that a guard page begins, if that is ahead; else where
/// they stand. X9 is how far that side of the copy has come which the exception is about.
macro_rules! end_at_guard {
    ($to:literal, $end:literal) => {
        lines![
            "ldr x10, [x0, #{address}]",
            "sub x10, x10, x9",
            concat!("sub x9, ", $end, ", ", $to),
            "cmp x10, x9",
            "csel x10, xzr, x10, hs",
            concat!("add ", $end, ", ", $to, ", x10"),
        ]
    };
}

/// Likewise, for a copy, whose side is told by the kind of the exception.
macro_rules! end_copy_at_guard {
    ($to:literal, $from:literal, $end:literal) => {
        lines![
            "ldr x9, [x0, #{kind}]",
            "cmp x9, #{write}",
            concat!("csel x9, ", $to, ", ", $from, ", eq"),
            end_at_guard!($to, $end),
        ]
    };
}

pub(super) use {copy_blocks, copy_bytes, end_at_guard, end_copy_at_guard};

/// Blocks of 64 and of 16 bytes of X5.
macro_rules! fill_blocks {
    ($to:literal, $end:literal) => {
        lines![
            "5:",
            concat!("sub x17, ", $end, ", ", $to),
            "cmp x17, #64",
            "b.lo 6f",
            concat!("stp x5, x5, [", $to, "]"),
            concat!("stp x5, x5, [", $to, ", #16]"),
            concat!("stp x5, x5, [", $to, ", #32]"),
            concat!("stp x5, x5, [", $to, ", #48]"),
            concat!("add ", $to, ", ", $to, ", #64"),
            "b 5b",
            "6:",
            "cmp x17, #16",
            "b.lo 7f",
            concat!("stp x5, x5, [", $to, "]"),
            concat!("add ", $to, ", ", $to, ", #16"),
            "sub x17, x17, #16",
            "b 6b",
            "7:",
        ]
    };
}

/// The rest, byte by byte.
macro_rules! fill_bytes {
    ($to:literal, $byte:literal, $end:literal) => {
        lines![
            "8:",
            concat!("cmp ", $to, ", ", $end),
            "b.eq 9f",
            concat!("strb ", $byte, ", [", $to, "]"),
            concat!("add ", $to, ", ", $to, ", #1"),
            "b 8b",
            "9:",
        ]
    };
}

guarded_routine!(
    "usermode_accessors_copy",
    setup: [
        "mov x19, x1",
        "mov x20, x2",
        "add x3, x1, x3",
        // A move to less than a block below: what a block had stored before it met a fault would
        // be gone from the source when the block is done again.
        "sub x9, x20, x19",
        "cmp x9, #64",
        "b.lo .Lresume_usermode_accessors_copy"
    ],
    access: copy_blocks!("x19", "x20", "x3", "ldp", "stp"),
    recover: ["ldp x9, x3, [x29, #40]", "add x3, x9, x3"],
    guard: end_copy_at_guard!("x19", "x20", "x3"),
    resume: copy_bytes!("x19", "x20", "x3"),
    result: ["ldr x9, [x29, #40]", "sub x0, x19, x9"],
    operands: [
        kind = offset_of!(Record, kind),
        address = offset_of!(Record, address),
        write = Trap::WRITE,
    ],
);
guarded_routine!(
    "usermode_accessors_fill",
    setup: [
        "mov x19, x1",
        "and x20, x2, #0xFF",
        "mov x9, #0x0101010101010101",
        "mul x5, x20, x9",
        "add x3, x1, x3"
    ],
    access: fill_blocks!("x19", "x3"),
    recover: ["ldp x9, x3, [x29, #40]", "add x3, x9, x3"],
    guard: lines!["mov x9, x19", end_at_guard!("x19", "x3")],
    resume: fill_bytes!("x19", "w20", "x3"),
    result: ["ldr x9, [x29, #40]", "sub x0, x19, x9"],
    operands: [address = offset_of!(Record, address)],
);

/// Copies forward without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller vouches for both ranges.
    unsafe {
        asm!(
            copy_blocks!("x0", "x1", "x2", "ldp", "stp"),
            copy_bytes!("x0", "x1", "x2"),
            inout("x0") destination => _,
            inout("x1") source => _,
            in("x2") destination.wrapping_add(length),
            out("x4") _, out("x5") _, out("x6") _, out("x7") _,
            out("x12") _, out("x13") _, out("x14") _, out("x15") _,
            out("x17") _,
            options(nostack),
        );
    }
}

/// Fills without a guard.
///
/// # Safety
///
/// The range is valid for `length` bytes.
pub(crate) unsafe fn fill(destination: *mut u8, byte: u8, length: usize) {
    // SAFETY: the caller vouches for the range.
    unsafe {
        asm!(
            fill_blocks!("x0", "x2"),
            fill_bytes!("x0", "w5", "x2"),
            inout("x0") destination => _,
            in("x2") destination.wrapping_add(length),
            in("x5") u64::from_ne_bytes([byte; 8]),
            out("x17") _,
            options(nostack),
        );
    }
}
