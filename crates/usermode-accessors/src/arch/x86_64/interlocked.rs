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

use super::{
    EFLAGS_AC, Record, Trap,
    processor::{self, features},
};

/// Tries `operation` on a copy until that can be stored; the registers are those of the width: what
/// was there, and what it becomes.
macro_rules! locked_operation {
    ($name:literal, $width:literal, $was:literal, $becomes:literal, $operation:literal) => {
        guarded_word!(
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
guarded_word!(
    "usermode_accessors_compare_exchange4",
    setup: ["mov eax, r9d"],
    access: "lock cmpxchg dword ptr [rdx], r8d"
);
guarded_word!(
    "usermode_accessors_compare_exchange8",
    setup: ["mov rax, r9"],
    access: "lock cmpxchg qword ptr [rdx], r8"
);

/// An AND or an OR.
type Operation = unsafe extern "win64" fn(*mut Record, *mut u8, u64) -> u64;

unsafe extern "win64" {
    pub(super) fn usermode_accessors_and4(_: *mut Record, destination: *mut u8, value: u64) -> u64;
    pub(super) fn usermode_accessors_and8(_: *mut Record, destination: *mut u8, value: u64) -> u64;
    pub(super) fn usermode_accessors_or4(_: *mut Record, destination: *mut u8, value: u64) -> u64;
    pub(super) fn usermode_accessors_or8(_: *mut Record, destination: *mut u8, value: u64) -> u64;
    pub(super) fn usermode_accessors_compare_exchange4(
        record: *mut Record,
        destination: *mut u8,
        exchange: u64,
        comperand: u64,
    ) -> u64;
    pub(super) fn usermode_accessors_compare_exchange8(
        record: *mut Record,
        destination: *mut u8,
        exchange: u64,
        comperand: u64,
    ) -> u64;
}

/// ANDs `value` into user memory of 4 bytes, or 8 if `wide`, and returns what was there. A full
/// barrier.
///
/// # Safety
///
/// The range passed [`crate::probe::check`] with its own size as the alignment.
pub(crate) unsafe fn guarded_and(
    destination: *mut u8,
    value: u64,
    wide: bool,
) -> Result<u64, Trap> {
    let leaves = (
        usermode_accessors_and4 as Operation,
        usermode_accessors_and8 as Operation,
    );
    // SAFETY: the caller's promise is the same.
    unsafe { operate(leaves, destination, value, wide) }
}

/// ORs `value` into user memory of 4 bytes, or 8 if `wide`, and returns what was there. A full
/// barrier.
///
/// # Safety
///
/// As for [`guarded_and`].
pub(crate) unsafe fn guarded_or(destination: *mut u8, value: u64, wide: bool) -> Result<u64, Trap> {
    let leaves = (
        usermode_accessors_or4 as Operation,
        usermode_accessors_or8 as Operation,
    );
    // SAFETY: the caller's promise is the same.
    unsafe { operate(leaves, destination, value, wide) }
}

/// # Safety
///
/// As for [`guarded_and`].
unsafe fn operate(
    (narrow_leaf, wide_leaf): (Operation, Operation),
    destination: *mut u8,
    value: u64,
    wide: bool,
) -> Result<u64, Trap> {
    let leaf = if wide { wide_leaf } else { narrow_leaf };
    let mut record = Record::new(features());
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let original = unsafe { leaf(&raw mut record, destination, value) };
    record.result(0).map(|()| original)
}

/// Stores `exchange` in user memory of 4 bytes, or 8 if `wide`, if `comperand` is there, and
/// returns what was there. A full barrier.
///
/// # Safety
///
/// As for [`guarded_and`].
pub(crate) unsafe fn guarded_compare_exchange(
    destination: *mut u8,
    exchange: u64,
    comperand: u64,
    wide: bool,
) -> Result<u64, Trap> {
    let leaf = if wide {
        usermode_accessors_compare_exchange8
    } else {
        usermode_accessors_compare_exchange4
    };
    let mut record = Record::new(features());
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let original = unsafe { leaf(&raw mut record, destination, exchange, comperand) };
    record.result(0).map(|()| original)
}
