//! Interlocked operations on user memory. They return the value that was there before.
//!
//! They use exclusive loads and stores, which every 64-bit Arm processor has. The single instructions of
//! later processors would need a second set of routines. `DMB` makes the operation a full barrier. A
//! comparison that fails stores the value it found, so it needs a writable page, as on x86-64.
//!
//! A round fails if another processor has written near by since the load, or an interrupt came. The
//! number of rounds is not bounded. The loop can be interrupted and preempted.

use core::{arch::global_asm, mem::offset_of};

use super::{FAULTED, Record, USER_LIMIT, processor};

macro_rules! retry {
    ($original:literal, $operation:literal, $result:literal) => {
        lines![
            "5:",
            concat!("ldaxr ", $original, ", [x1]"),
            $operation,
            concat!("stlxr w5, ", $result, ", [x1]"),
            "cbnz w5, 5b",
            "dmb ish",
        ]
    };
}

macro_rules! operations {
    ($($name:literal, $returns:ident: $access:expr;)*) => {
        $(number_routine!($name, user, clamp!("x1"), $returns, $access);)*
    };
}

operations!(
    "usermode_accessors_and4", narrow: retry!("w19", "and w4, w19, w2", "w4");
    "usermode_accessors_and8", wide: retry!("x19", "and x4, x19, x2", "x4");
    "usermode_accessors_or4", narrow: retry!("w19", "orr w4, w19, w2", "w4");
    "usermode_accessors_or8", wide: retry!("x19", "orr x4, x19, x2", "x4");
    "usermode_accessors_compare_exchange4", narrow:
        retry!("w19", "cmp w19, w3\ncsel w4, w2, w19, eq", "w4");
    "usermode_accessors_compare_exchange8", wide:
        retry!("x19", "cmp x19, x3\ncsel x4, x2, x19, eq", "x4");
);
