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

macro_rules! retry4 {
    ($operation:literal) => {
        lines![
            "xor eax, eax",
            "5:",
            "mov r9d, eax",
            $operation,
            "lock cmpxchg dword ptr [rdx], r9d",
            "jne 5b",
        ]
    };
}

macro_rules! retry8 {
    ($operation:literal) => {
        lines![
            "xor eax, eax",
            "5:",
            "mov r9, rax",
            $operation,
            "lock cmpxchg qword ptr [rdx], r9",
            "jne 5b",
        ]
    };
}

guarded_word!(
    "usermode_accessors_and4",
    setup: [],
    access: retry4!("and r9d, r8d")
);
guarded_word!(
    "usermode_accessors_and8",
    setup: [],
    access: retry8!("and r9, r8")
);
guarded_word!(
    "usermode_accessors_or4",
    setup: [],
    access: retry4!("or r9d, r8d")
);
guarded_word!(
    "usermode_accessors_or8",
    setup: [],
    access: retry8!("or r9, r8")
);
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

unsafe extern "win64" {
    pub(super) fn usermode_accessors_and4(
        record: *mut Record,
        destination: *mut u8,
        value: u64,
    ) -> u64;
    pub(super) fn usermode_accessors_and8(
        record: *mut Record,
        destination: *mut u8,
        value: u64,
    ) -> u64;
    pub(super) fn usermode_accessors_or4(
        record: *mut Record,
        destination: *mut u8,
        value: u64,
    ) -> u64;
    pub(super) fn usermode_accessors_or8(
        record: *mut Record,
        destination: *mut u8,
        value: u64,
    ) -> u64;
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
    let leaf = if wide {
        usermode_accessors_and8
    } else {
        usermode_accessors_and4
    };
    let mut record = Record::new(features());
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let original = unsafe { leaf(&raw mut record, destination, value) };
    record.result(0).map(|()| original)
}

/// ORs `value` into user memory of 4 bytes, or 8 if `wide`, and returns what was there. A full
/// barrier.
///
/// # Safety
///
/// As for [`guarded_and`].
pub(crate) unsafe fn guarded_or(destination: *mut u8, value: u64, wide: bool) -> Result<u64, Trap> {
    let leaf = if wide {
        usermode_accessors_or8
    } else {
        usermode_accessors_or4
    };
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
