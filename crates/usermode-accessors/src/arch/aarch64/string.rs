//! The search for the zero that ends a string.
//!
//! One character after the other and none behind the terminator, so no page is touched that the
//! string does not reach into.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{Record, Trap};

/// `$at` stands at the next character, `$end` is the end; there is at least one.
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

guarded_routine!(
    "usermode_accessors_scan1",
    setup: ["mov x19, x1", "add x4, x1, x2"],
    access: scan_characters!("ldrb", "x19", "x4", "1"),
    result: ["ldr x9, [x29, #40]", "sub x0, x19, x9"]
);
guarded_routine!(
    "usermode_accessors_scan2",
    setup: ["mov x19, x1", "add x4, x1, x2, lsl #1"],
    access: scan_characters!("ldrh", "x19", "x4", "2"),
    result: ["ldr x9, [x29, #40]", "sub x0, x19, x9", "lsr x0, x0, #1"]
);

unsafe extern "efiapi" {
    /// Returns how many characters precede the terminator, or were looked at before a fault; if
    /// there is none in `count` characters, `count`. That must not be 0.
    fn usermode_accessors_scan1(record: *mut Record, string: *const u8, count: usize) -> usize;
    /// As [`usermode_accessors_scan1`], with characters of two bytes.
    fn usermode_accessors_scan2(record: *mut Record, string: *const u8, count: usize) -> usize;
}

/// Counts the characters, of two bytes if `wide`, before the first that is zero, in user memory.
/// If none of `count` is, the answer is `count`. The trap counts the bytes that were looked at.
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
    let mut record = Record::new();
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let length = unsafe { routine(&raw mut record, string, count) };
    record.result(length.wrapping_mul(size)).map(|()| length)
}

/// As [`guarded_scan`], without a guard.
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
        // Without an end the count is that of the whole address space, and wraps around.
        let last = string.wrapping_add(count.wrapping_mul(2));
        // SAFETY: the caller vouches for the string.
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
