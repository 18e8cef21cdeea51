//! Locked operations on user memory that tell what was there.
//!
//! By exclusive loads and stores, which every 64-bit processor of Arm has; the single instructions of
//! later ones would need two sets of leaves. `DMB` makes them the full barrier that an interlocked
//! operation is. A comparison that fails stores what it found, so that it needs a writable page, as
//! it does on x86-64.
//!
//! A round fails if another processor wrote near by, or an interrupt came, since the load; how
//! often is not bounded. The loop can be interrupted and preempted all the while.

use core::{arch::global_asm, mem::offset_of};

use super::{Record, Trap};

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

guarded_leaf!(
    "usermode_accessors_and4",
    setup: [],
    access: retry!("w19", "and w4, w19, w2", "w4"),
    result: ["mov x0, x19"]
);
guarded_leaf!(
    "usermode_accessors_and8",
    setup: [],
    access: retry!("x19", "and x4, x19, x2", "x4"),
    result: ["mov x0, x19"]
);
guarded_leaf!(
    "usermode_accessors_or4",
    setup: [],
    access: retry!("w19", "orr w4, w19, w2", "w4"),
    result: ["mov x0, x19"]
);
guarded_leaf!(
    "usermode_accessors_or8",
    setup: [],
    access: retry!("x19", "orr x4, x19, x2", "x4"),
    result: ["mov x0, x19"]
);
guarded_leaf!(
    "usermode_accessors_compare_exchange4",
    setup: [],
    access: retry!("w19", "cmp w19, w3\ncsel w4, w2, w19, eq", "w4"),
    result: ["mov x0, x19"]
);
guarded_leaf!(
    "usermode_accessors_compare_exchange8",
    setup: [],
    access: retry!("x19", "cmp x19, x3\ncsel x4, x2, x19, eq", "x4"),
    result: ["mov x0, x19"]
);

unsafe extern "C" {
    fn usermode_accessors_and4(record: *mut Record, destination: *mut u8, value: u64) -> u64;
    fn usermode_accessors_and8(record: *mut Record, destination: *mut u8, value: u64) -> u64;
    fn usermode_accessors_or4(record: *mut Record, destination: *mut u8, value: u64) -> u64;
    fn usermode_accessors_or8(record: *mut Record, destination: *mut u8, value: u64) -> u64;
    fn usermode_accessors_compare_exchange4(
        record: *mut Record,
        destination: *mut u8,
        exchange: u64,
        comperand: u64,
    ) -> u64;
    fn usermode_accessors_compare_exchange8(
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
    let mut record = Record::new();
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
    let mut record = Record::new();
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
    let mut record = Record::new();
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let original = unsafe { leaf(&raw mut record, destination, exchange, comperand) };
    record.result(0).map(|()| original)
}
