//! Copies with a hint that the bytes are not accessed soon.
//!
//! `LDNP` and `STNP` fault like plain pairs, but are less ordered. So a `DMB` follows, also after a
//! fault, and the copy is ordered before later accesses like a plain copy.
//!
//! Source: "Load/store pair of general-purpose registers, non-temporal", Arm Architecture
//! Reference Manual.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{
    FAULTED, Record, Trap, USER_LIMIT,
    forward::{copy_blocks, copy_bytes, end_at_guard, end_copy_at_guard},
    processor,
};

macro_rules! copy_routines {
    ($($name:literal: $clamp:expr;)*) => {$(
        guarded_routine!(
            $name,
            memory: user,
            clamp: $clamp,
            setup: ["mov x19, x1", "mov x20, x2", "add x8, x1, x3"],
            access: copy_blocks!("x19", "x20", "x8", "ldnp", "stnp"),
            recover: ["add x8, x1, x3"],
            guard: end_copy_at_guard!("x19", "x20", "x8"),
            resume: copy_bytes!("x19", "x20", "x8"),
            result: ["dmb ish", "sub x0, x19, x1", "sub x0, x3, x0"],
            operands: [
                kind = offset_of!(Record, kind),
                address = offset_of!(Record, address),
                write = Trap::WRITE,
            ],
        );
    )*};
}

copy_routines!(
    "usermode_accessors_copy_nontemporal_from_user": clamp!("x2");
    "usermode_accessors_copy_nontemporal_to_user": clamp!("x1");
    "usermode_accessors_copy_nontemporal_within_user": clamp!("x1", "x2");
);

/// Copies forward with non-temporal stores, without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy_nontemporal(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller guarantees both ranges.
    unsafe {
        asm!(
            copy_blocks!("x0", "x1", "x2", "ldnp", "stnp"),
            copy_bytes!("x0", "x1", "x2"),
            "dmb ish",
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
