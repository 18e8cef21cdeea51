//! Interlocked operations on user memory. They return the value that was there before.
//!
//! The processor has no locked AND or OR that returns the old value. So these repeat `LOCK CMPXCHG`
//! until no other change comes between. There is no separate load: the first comparison is with 0,
//! and a comparison that fails returns the value. It also writes that value back, so it needs a
//! writable page.
//!
//! A round fails only if another processor has changed the value since the last round. The number of
//! rounds is not bounded. The loop can be interrupted and preempted.

use core::{arch::global_asm, mem::offset_of};

use super::{EFLAGS_AC, FAULTED, Record, USER_LIMIT, processor};

/// Applies `operation` to a copy of the value, until the copy can be stored. The registers have the
/// width of the value: one for the old value, one for the new.
macro_rules! locked_operation {
    ($name:literal, $returns:ident, $width:literal, $was:literal, $becomes:literal, $operation:literal) => {
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
            ],
            returns: $returns
        );
    };
}

locked_operation!(
    "usermode_accessors_and4",
    narrow,
    "dword",
    "eax",
    "r9d",
    "and r9d, r8d"
);
locked_operation!(
    "usermode_accessors_and8",
    wide,
    "qword",
    "rax",
    "r9",
    "and r9, r8"
);
locked_operation!(
    "usermode_accessors_or4",
    narrow,
    "dword",
    "eax",
    "r9d",
    "or r9d, r8d"
);
locked_operation!(
    "usermode_accessors_or8",
    wide,
    "qword",
    "rax",
    "r9",
    "or r9, r8"
);
guarded_access!(
    "usermode_accessors_compare_exchange4",
    setup: ["mov eax, r9d"],
    access: "lock cmpxchg dword ptr [rdx], r8d",
    returns: narrow
);
guarded_access!(
    "usermode_accessors_compare_exchange8",
    setup: ["mov rax, r9"],
    access: "lock cmpxchg qword ptr [rdx], r8",
    returns: wide
);
