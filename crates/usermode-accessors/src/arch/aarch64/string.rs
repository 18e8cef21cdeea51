//! The search for the terminator of a string.
//!
//! It reads one character at a time and none after the terminator, so it accesses only pages of the
//! string.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{FAULTED, Record, Trap, USER_LIMIT, processor};
use crate::arch::record::guard;

/// Searches from `$at` to `$end`, which are not equal. `$at` points to the next character.
macro_rules! scan_characters {
    ($load:literal, $at:literal, $end:literal, $size:literal) => {
        lines![
            "5:",
            concat!($load, " w5, [", $at, "]"),
            "cbz w5, 6f",
            concat!("add ", $at, ", ", $at, ", #", $size),
            concat!("cmp ", $at, ", ", $end),
            "b.ne 5b",
            "6:",
        ]
    };
}

/// X20 complements the result of a fault.
macro_rules! scan_routine {
    ($name:literal, $load:literal, $size:literal, $shift:literal) => {
        guarded_routine!(
            $name,
            memory: user,
            clamp: clamp!("x1"),
            setup: ["mov x19, x1", concat!("add x4, x1, x2, lsl #", $shift)],
            access: scan_characters!($load, "x19", "x4", $size),
            done: ["mov x20, #0"],
            faulted: ["mov x20, #-1"],
            result: ["sub x0, x19, x1", concat!("lsr x0, x0, #", $shift), "eor x0, x0, x20"],
        );
    };
}

scan_routine!("usermode_accessors_scan1", "ldrb", "1", "0");
scan_routine!("usermode_accessors_scan2", "ldrh", "2", "1");

unsafe extern "efiapi" {
    /// Returns how many characters precede the terminator; `count` if there is no terminator in `count`
    /// characters, which must not be 0. After a fault it returns the complement of how many were read.
    fn usermode_accessors_scan1(record: *mut Record, string: *const u8, count: usize) -> usize;
    /// Does the same with characters of two bytes.
    fn usermode_accessors_scan2(record: *mut Record, string: *const u8, count: usize) -> usize;
}

/// Counts the characters, of two bytes if `wide`, before the terminator of a string in user memory.
/// Returns `count` if `count` characters have no terminator. The trap counts the bytes that were read.
///
/// # Safety
///
/// `count` characters passed [`crate::probe::check_range`].
pub(crate) unsafe fn guarded_scan(
    string: *const u8,
    count: usize,
    wide: bool,
) -> Result<usize, Trap> {
    type Routine = unsafe extern "efiapi" fn(*mut Record, *const u8, usize) -> usize;

    if count == 0 {
        return Ok(0);
    }
    let (routine, size): (Routine, usize) = if wide {
        (usermode_accessors_scan2, 2)
    } else {
        (usermode_accessors_scan1, 1)
    };
    // SAFETY: a fault on the user side returns.
    let scan = |record| unsafe { routine(record, string, count) };
    let faulted = |count: usize| (count.cast_signed() < 0).then(|| (!count).wrapping_mul(size));
    // SAFETY: there are fewer characters than `isize::MAX`, so only a fault sets the highest bit.
    unsafe { guard(scan, faulted) }
}

/// Counts as [`guarded_scan`] does, without a guard.
///
/// # Safety
///
/// The string is valid up to its terminator or up to `count` characters.
pub(crate) unsafe fn scan(string: *const u8, count: usize, wide: bool) -> usize {
    if count == 0 {
        return 0;
    }
    let end: *const u8;
    if wide {
        // Without a bound the count is that of the whole address space, and wraps around.
        let last = string.wrapping_add(count.wrapping_mul(2));
        // SAFETY: the caller guarantees the string.
        unsafe {
            asm!(
                scan_characters!("ldrh", "x0", "x1", "2"),
                inout("x0") string => end,
                in("x1") last,
                out("x5") _,
                options(nostack, readonly),
            );
        }
        end.addr().wrapping_sub(string.addr()) >> 1
    } else {
        // SAFETY: as above.
        unsafe {
            asm!(
                scan_characters!("ldrb", "x0", "x1", "1"),
                inout("x0") string => end,
                in("x1") string.wrapping_add(count),
                out("x5") _,
                options(nostack, readonly),
            );
        }
        end.addr().wrapping_sub(string.addr())
    }
}
