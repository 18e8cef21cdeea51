//! Locked operations on user memory that tell what was there.
//!
//! The processor has no locked AND or OR that returns the old value, so these try
//! `LOCK CMPXCHG` until nobody came between. They never read by a plain load: the first guess is
//! 0, and a wrong guess brings the right one. A locked comparison that fails writes back what it
//! found, and needs a writable page for it.
//!
//! A round fails only if another processor changed the value since the last one; how often is not
//! bounded. The loop can be interrupted and preempted all the while.

use core::{arch::global_asm, mem::offset_of};

use super::{EFLAGS_AC, Record, processor};

/// Tries `operation` on a copy until that can be stored; the registers are those of the width: what
/// was there, and what it becomes.
macro_rules! locked_operation {
    ($name:literal, $width:literal, $was:literal, $becomes:literal, $operation:literal) => {
        guarded_access!(
            $name,
            setup: [],
            access: lines![
                "xor eax, eax",
                "5:",
                concat!("mov ", $becomes, ", ", $was),
                $operation,
                concat!("lock cmpxchg ", $width, " ptr [rdx], ", $becomes),
                "jne 5b",
            ]
        );
    };
}

locked_operation!(
    "usermode_accessors_and4",
    "dword",
    "eax",
    "r9d",
    "and r9d, r8d"
);
locked_operation!(
    "usermode_accessors_and8",
    "qword",
    "rax",
    "r9",
    "and r9, r8"
);
locked_operation!(
    "usermode_accessors_or4",
    "dword",
    "eax",
    "r9d",
    "or r9d, r8d"
);
locked_operation!("usermode_accessors_or8", "qword", "rax", "r9", "or r9, r8");
guarded_access!(
    "usermode_accessors_compare_exchange4",
    setup: ["mov eax, r9d"],
    access: "lock cmpxchg dword ptr [rdx], r8d"
);
guarded_access!(
    "usermode_accessors_compare_exchange8",
    setup: ["mov rax, r9"],
    access: "lock cmpxchg qword ptr [rdx], r8"
);
