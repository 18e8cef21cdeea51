//! The search for the zero that ends a string.
//!
//! `REPNE SCAS` looks at one character after the other and at none behind the terminator, so it
//! never touches a page that the string does not reach into.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{EFLAGS_AC, Record, Trap, smap_is_on};

guarded_leaf!(
    "usermode_accessors_scan1",
    setup: ["mov rdi, rdx", "mov rcx, r8", "xor esi, esi", "xor eax, eax"],
    access: lines!["repne scasb", "sete sil"],
    result: ["mov rax, rdi", "sub rax, [rsp + 8]", "sub rax, rsi"]
);
guarded_leaf!(
    "usermode_accessors_scan2",
    setup: ["mov rdi, rdx", "mov rcx, r8", "xor esi, esi", "xor eax, eax"],
    access: lines!["repne scasw", "sete sil"],
    result: ["mov rax, rdi", "sub rax, [rsp + 8]", "shr rax, 1", "sub rax, rsi"]
);

unsafe extern "win64" {
    /// Returns how many characters precede the terminator, or were looked at before a fault; if
    /// there is none in `count` characters, `count`. That must not be 0.
    pub(super) fn usermode_accessors_scan1(
        record: *mut Record,
        string: *const u8,
        count: usize,
    ) -> usize;
    /// As [`usermode_accessors_scan1`], with characters of two bytes.
    pub(super) fn usermode_accessors_scan2(
        record: *mut Record,
        string: *const u8,
        count: usize,
    ) -> usize;
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
    if count == 0 {
        return Ok(0);
    }
    let (leaf, size) = if wide {
        (
            usermode_accessors_scan2 as unsafe extern "win64" fn(_, _, _) -> _,
            2,
        )
    } else {
        (
            usermode_accessors_scan1 as unsafe extern "win64" fn(_, _, _) -> _,
            1,
        )
    };
    let mut record = Record::new(smap_is_on());
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let length: usize = unsafe { leaf(&raw mut record, string, count) };
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
    let (left, found): (usize, u8);
    if wide {
        // SAFETY: the caller vouches for the string; DF is clear by the calling convention.
        unsafe {
            asm!(
                "repne scasw",
                "sete {found}",
                found = out(reg_byte) found,
                inout("rcx") count => left,
                inout("rdi") string => _,
                in("ax") 0_u16,
                options(nostack, readonly),
            );
        }
    } else {
        // SAFETY: as above.
        unsafe {
            asm!(
                "repne scasb",
                "sete {found}",
                found = out(reg_byte) found,
                inout("rcx") count => left,
                inout("rdi") string => _,
                in("al") 0_u8,
                options(nostack, readonly),
            );
        }
    }
    count.wrapping_sub(left).wrapping_sub(usize::from(found))
}
