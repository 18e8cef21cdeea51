//! Copies and fills from the first byte to the last.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{FAULTED, Record, Trap, USER_LIMIT, processor};

/// Copies blocks of 64 and of 16 bytes. `$to` and `$from` point to the next byte, `$end` is the end of
/// the destination. They advance only after a block is stored, so at a fault both are at its start.
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

/// Copies the rest byte by byte.
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

/// Moves the end to the address of the exception, if that is ahead; else to the next byte. X9 is the
/// next byte of the side that faulted.
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

/// Does the same for a copy, where the kind of the exception gives the side.
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

/// Fills blocks of 64 and of 16 bytes with X5.
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

/// Fills the rest byte by byte.
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

/// Defines a routine that copies. X8 is the end of the destination.
macro_rules! copy_routines {
    ($($name:literal, $memory:ident: $clamp:expr;)*) => {$(
        guarded_routine!(
            $name,
            memory: $memory,
            clamp: $clamp,
            setup: [
                "mov x19, x1",
                "mov x20, x2",
                "add x8, x1, x3",
                // A move to less than a block below: the bytes that a block stored before a fault would
                // have overwritten source bytes of its second move.
                "sub x9, x20, x19",
                "cmp x9, #64",
                concat!("b.lo .Lresume_", $name)
            ],
            access: copy_blocks!("x19", "x20", "x8", "ldp", "stp"),
            recover: ["add x8, x1, x3"],
            guard: end_copy_at_guard!("x19", "x20", "x8"),
            resume: copy_bytes!("x19", "x20", "x8"),
            result: ["sub x0, x19, x1", "sub x0, x3, x0"],
            operands: [
                kind = offset_of!(Record, kind),
                address = offset_of!(Record, address),
                write = Trap::WRITE,
            ],
        );
    )*};
}

copy_routines!(
    "usermode_accessors_copy_from_user", user: clamp!("x2");
    "usermode_accessors_copy_to_user", user: clamp!("x1");
    "usermode_accessors_copy_within_user", user: clamp!("x1", "x2");
    "usermode_accessors_copy_closed", kernel: "";
);

guarded_routine!(
    "usermode_accessors_fill",
    memory: user,
    clamp: clamp!("x1"),
    setup: [
        "mov x19, x1",
        "and x20, x2, #0xFF",
        "mov x9, #0x0101010101010101",
        "mul x5, x20, x9",
        "add x8, x1, x3"
    ],
    access: fill_blocks!("x19", "x8"),
    recover: ["add x8, x1, x3"],
    guard: lines!["mov x9, x19", end_at_guard!("x19", "x8")],
    resume: fill_bytes!("x19", "w20", "x8"),
    result: ["sub x0, x19, x1", "sub x0, x3, x0"],
    operands: [address = offset_of!(Record, address)],
);

/// Copies forward without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller guarantees both ranges.
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
    // SAFETY: the caller guarantees the range.
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
