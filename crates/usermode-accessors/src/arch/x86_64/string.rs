//! The search for the terminator of a string.
//!
//! It reads aligned blocks of 16 bytes. Such a block lies within one page, so bytes outside the
//! string cause no fault, and a fault is one of the whole block. The characters of a wide string at
//! an odd address cross the blocks; `REPNE SCASW` reads them one by one.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{EFLAGS_AC, Record, Trap, USER_LIMIT, processor};
use crate::arch::record::guard;

/// Searches R8 bytes, more than 0, at RDX. RAX is how many of them precede the zero that it finds, or R8.
/// `compare` compares characters, `done` follows each result. R9 is the current block. Changes RCX, R10,
/// XMM0 and XMM1.
macro_rules! scan_blocks {
    ($compare:literal, $done:literal) => {
        lines![
            "mov r9, rdx",
            "and r9, -16",
            "mov ecx, edx",
            "and ecx, 15",
            "pxor xmm1, xmm1",
            "movdqa xmm0, [r9]",
            concat!($compare, " xmm0, xmm1"),
            "pmovmskb eax, xmm0",
            // Discards the bytes before the string.
            "shr eax, cl",
            "test eax, eax",
            "jz 5f",
            "bsf eax, eax",
            "4:",
            "cmp rax, r8",
            "cmova rax, r8",
            $done,
            "5:",
            "lea r10, [rdx + r8]",
            "6:",
            "add r9, 16",
            "cmp r9, r10",
            "jae 7f",
            "movdqa xmm0, [r9]",
            concat!($compare, " xmm0, xmm1"),
            "pmovmskb eax, xmm0",
            "test eax, eax",
            "jz 6b",
            "bsf eax, eax",
            "add rax, r9",
            "sub rax, rdx",
            "jmp 4b",
            "7:",
            "mov rax, r8",
            $done,
        ]
    };
}

macro_rules! scan_routine {
    ($name:literal, $compare:literal) => {
        guarded_routine!(
            $name,
            entries: one_entry!($name),
            before: [],
            prologue: bare_r11,
            body: [
                concat!(".Laccess_", $name, ":"),
                scan_blocks!($compare, "ret"),
                concat!(".Lend_", $name, ":"),
                // The block may begin before the string. Then the fault is at the first character.
                concat!(".Llanding_", $name, ":"),
                "mov rcx, [rsp + 8]",
                "mov rdx, [rsp + 16]",
                "mov r9, [rsp + 32]",
                "cmp r9, rdx",
                "cmovb r9, rdx",
                "mov rax, [rcx + {address}]",
                "cmp rax, rdx",
                "cmovb rax, rdx",
                "mov [rcx + {address}], rax",
                "mov rax, r9",
                "sub rax, rdx",
                "not rax",
                "ret",
            ],
            scopes: [(
                concat!(".Laccess_", $name),
                concat!(".Lend_", $name),
                concat!(".Llanding_", $name)
            )],
            operands: [address = offset_of!(Record, address)],
        );
    };
}

scan_routine!("usermode_accessors_scan1", "pcmpeqb");
scan_routine!("usermode_accessors_scan2", "pcmpeqw");
guarded_routine!(
    "usermode_accessors_scan2_odd",
    entries: one_entry!("usermode_accessors_scan2_odd"),
    before: [],
    prologue: pushed,
    body: [
        "mov rdi, rdx",
        "mov rcx, r8",
        "shr rcx, 1",
        "xor esi, esi",
        "xor eax, eax",
        ".Laccess_scan2_odd:",
        "repne scasw",
        ".Lend_scan2_odd:",
        "sete sil",
        "mov rax, rdi",
        "sub rax, rdx",
        "add esi, esi",
        "sub rax, rsi",
        epilogue!(),
        "ret",
        ".Llanding_scan2_odd:",
        "mov rax, rdi",
        "sub rax, [rsp + 32]",
        "not rax",
        epilogue!(),
        "ret",
    ],
    scopes: [(".Laccess_scan2_odd", ".Lend_scan2_odd", ".Llanding_scan2_odd")],
);

unsafe extern "efiapi" {
    /// Returns how many bytes precede the terminator; `length` if there is no terminator in `length`
    /// bytes, which must not be 0. After a fault it returns the complement of how many were read.
    pub(super) fn usermode_accessors_scan1(
        record: *mut Record,
        string: *const u8,
        length: usize,
    ) -> usize;
    /// As [`usermode_accessors_scan1`], with characters of two bytes, at an even address.
    pub(super) fn usermode_accessors_scan2(
        record: *mut Record,
        string: *const u8,
        length: usize,
    ) -> usize;
    /// As [`usermode_accessors_scan2`], at any address.
    pub(super) fn usermode_accessors_scan2_odd(
        record: *mut Record,
        string: *const u8,
        length: usize,
    ) -> usize;
}

/// Counts the characters, of two bytes if `wide`, before the terminator of a string in user memory.
/// Returns `count` if `count` characters have no terminator. The trap counts the bytes that were read.
///
/// # Safety
///
/// `count` characters passed [`crate::probe::check_range`].
#[inline]
pub(crate) unsafe fn guarded_scan(
    string: *const u8,
    count: usize,
    wide: bool,
) -> Result<usize, Trap> {
    if count == 0 {
        return Ok(0);
    }
    let routine = match (wide, is_odd(string)) {
        (false, _) => usermode_accessors_scan1,
        (true, false) => usermode_accessors_scan2,
        (true, true) => usermode_accessors_scan2_odd,
    };
    let length = count.wrapping_shl(u32::from(wide));
    // SAFETY: a fault on the user side returns.
    let scan = |record| unsafe { routine(record, string, length) };
    let faulted = |length: usize| (length.cast_signed() < 0).then_some(!length);
    // SAFETY: the range is shorter than `isize::MAX`, so only a fault sets the highest bit.
    unsafe { guard(scan, faulted) }.map(|length| length >> u32::from(wide))
}

/// Counts as [`guarded_scan`] does, without a guard.
///
/// # Safety
///
/// The string is valid up to its terminator or up to `count` characters.
pub(crate) unsafe fn scan(string: *const u8, count: usize, wide: bool) -> usize {
    // The string ends before the address space does.
    let most = usize::MAX.wrapping_sub(string.addr()) >> u32::from(wide);
    let count = count.min(most);
    if count == 0 {
        return 0;
    }
    let length = match (wide, is_odd(string)) {
        // SAFETY: the caller guarantees the string.
        (false, _) => unsafe { scan_narrow(string, count) },
        // SAFETY: as above.
        (true, false) => unsafe { scan_wide(string, count.wrapping_mul(2)) },
        // SAFETY: as above.
        (true, true) => unsafe { scan_wide_odd(string, count) },
    };
    length >> u32::from(wide)
}

fn is_odd(string: *const u8) -> bool {
    string.addr() & 1 != 0
}

macro_rules! scan_directly {
    ($name:ident, $compare:literal) => {
        /// Returns the number of bytes before the terminator, or `length`, which must not be 0.
        ///
        /// # Safety
        ///
        /// As for [`scan`].
        unsafe fn $name(string: *const u8, length: usize) -> usize {
            let distance: usize;
            // SAFETY: the caller guarantees the string; an aligned block lies within a page of it.
            unsafe {
                asm!(
                    scan_blocks!($compare, "jmp 8f"),
                    "8:",
                    in("rdx") string,
                    in("r8") length,
                    out("rax") distance,
                    out("rcx") _,
                    out("r9") _,
                    out("r10") _,
                    out("xmm0") _,
                    out("xmm1") _,
                    options(nostack, readonly),
                );
            }
            distance
        }
    };
}

scan_directly!(scan_narrow, "pcmpeqb");
scan_directly!(scan_wide, "pcmpeqw");

/// Returns the number of bytes before the terminator, for a wide string at an odd address.
///
/// # Safety
///
/// As for [`scan`].
unsafe fn scan_wide_odd(string: *const u8, count: usize) -> usize {
    let (left, found): (usize, u8);
    // SAFETY: the caller guarantees the string; DF is clear by the calling convention.
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
    let before = count.wrapping_sub(left).wrapping_sub(usize::from(found));
    before.wrapping_mul(2)
}
