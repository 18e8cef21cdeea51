//! Copies from the first byte to the last.
//!
//! A copy of up to 96 bytes loads all bytes before it stores any, with moves that overlap in the
//! middle. A copy of up to 128 bytes does so in two halves. A longer copy moves blocks of 64 bytes,
//! and the rest as a copy of up to 128 bytes. From 1 KiB on it is one `REP MOVSB`, where the
//! processor is fast at it. Only general registers and XMM0 to XMM5 are used. The classes of lengths
//! jump to each other, so they are one file.
//!
//! Stores go upward. The first store of a class faults to a landing pad for no bytes; each later
//! store has a landing pad for the bytes stored before it. No byte after those was written. From
//! there [`resume`](super::resume) finds the exact byte. Until it returns, a copy may load and store
//! a byte more than once, and may load up to 95 bytes after the one that stops it.
//!
//! Because the moves overlap, the ranges must not: with the destination below an overlapping source,
//! bytes would be loaded that are already overwritten. `copy_upward` is for those.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{
    EFLAGS_AC, Record, Trap,
    processor::{self, features},
    stores::LONG,
};
use crate::arch::bulk::{copy_by, without_rest};

/// Copies R9 bytes from R8 to RDX and returns, if they are at most 128; else jumps to `long`. Changes
/// RAX, RCX and XMM0 to XMM5. The labels end in `name`.
macro_rules! copy_short {
    ($name:literal, $long:literal) => {
        lines![
            jump_by_length!($name),
            "movzx eax, byte ptr [r8]",
            "mov byte ptr [rdx], al",
            concat!(".Lnothing_", $name, ":"),
            "ret",
            concat!(".Lfrom_2_", $name, ":"),
            "movzx eax, word ptr [r8]",
            "movzx ecx, word ptr [r8 + r9 - 2]",
            stores!(
                concat!("2_", $name),
                "mov word ptr [rdx], ax",
                second: "mov word ptr [rdx + r9 - 2], cx",
            ),
            "ret",
            concat!(".Lfrom_4_", $name, ":"),
            "mov eax, dword ptr [r8]",
            "mov ecx, dword ptr [r8 + r9 - 4]",
            stores!(
                concat!("4_", $name),
                "mov dword ptr [rdx], eax",
                second: "mov dword ptr [rdx + r9 - 4], ecx",
            ),
            "ret",
            concat!(".Lfrom_8_", $name, ":"),
            "mov rax, qword ptr [r8]",
            "mov rcx, qword ptr [r8 + r9 - 8]",
            stores!(
                concat!("8_", $name),
                "mov qword ptr [rdx], rax",
                second: "mov qword ptr [rdx + r9 - 8], rcx",
            ),
            "ret",
            concat!(".Lover_16_", $name, ":"),
            "cmp r9, 32",
            concat!("ja .Lover_32_", $name),
            "movups xmm0, [r8]",
            "movups xmm1, [r8 + r9 - 16]",
            stores!(
                concat!("16_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + r9 - 16], xmm1",
            ),
            "ret",
            concat!(".Lover_32_", $name, ":"),
            "cmp r9, 64",
            concat!("ja .Lover_64_", $name),
            "movups xmm0, [r8]",
            "movups xmm1, [r8 + 16]",
            "movups xmm2, [r8 + r9 - 32]",
            "movups xmm3, [r8 + r9 - 16]",
            stores!(
                concat!("32_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm1",
                third: "movups [rdx + r9 - 32], xmm2",
                fourth: "movups [rdx + r9 - 16], xmm3",
            ),
            "ret",
            concat!(".Lover_64_", $name, ":"),
            "cmp r9, 96",
            concat!("ja .Lover_96_", $name),
            "movups xmm0, [r8]",
            "movups xmm1, [r8 + 16]",
            "movups xmm2, [r8 + 32]",
            "movups xmm3, [r8 + r9 - 48]",
            "movups xmm4, [r8 + r9 - 32]",
            "movups xmm5, [r8 + r9 - 16]",
            stores!(
                concat!("64_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm1",
                third: "movups [rdx + 32], xmm2",
                fourth: "movups [rdx + r9 - 48], xmm3",
                fifth: "movups [rdx + r9 - 32], xmm4",
                sixth: "movups [rdx + r9 - 16], xmm5",
            ),
            "ret",
            // In two halves: there are six registers.
            concat!(".Lover_96_", $name, ":"),
            "cmp r9, 128",
            concat!("ja ", $long),
            "movups xmm0, [r8]",
            "movups xmm1, [r8 + 16]",
            "movups xmm2, [r8 + 32]",
            "movups xmm3, [r8 + 48]",
            stores!(
                concat!("longest_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm1",
                third: "movups [rdx + 32], xmm2",
                fourth: "movups [rdx + 48], xmm3",
                fifth: lines![
                    "movups xmm0, [r8 + r9 - 64]",
                    "movups xmm1, [r8 + r9 - 48]",
                    "movups xmm2, [r8 + r9 - 32]",
                    "movups xmm3, [r8 + r9 - 16]",
                    "movups [rdx + r9 - 64], xmm0",
                ],
                sixth: "movups [rdx + r9 - 48], xmm1",
                seventh: "movups [rdx + r9 - 32], xmm2",
                eighth: "movups [rdx + r9 - 16], xmm3",
            ),
            "ret",
        ]
    };
}

/// Copies R9 bytes, more than 128, from RSI to RDI in blocks, and stops before the last 65 to 128 of
/// them. Changes XMM0 to XMM3.
macro_rules! copy_blocks {
    ($name:literal) => {
        lines![
            concat!(".Lblock_", $name, ":"),
            "movups xmm0, [rsi]",
            "movups xmm1, [rsi + 16]",
            "movups xmm2, [rsi + 32]",
            "movups xmm3, [rsi + 48]",
            stores!(
                $name,
                "movups [rdi], xmm0",
                second: "movups [rdi + 16], xmm1",
                third: "movups [rdi + 32], xmm2",
                fourth: "movups [rdi + 48], xmm3",
            ),
            "add rsi, 64",
            "add rdi, 64",
            "sub r9, 64",
            "cmp r9, 128",
            concat!("ja .Lblock_", $name),
        ]
    };
}

guarded_routine!(
    "usermode_accessors_copy",
    before: [],
    prologue: bare,
    body: [
        ".globl usermode_accessors_copy_short",
        "usermode_accessors_copy_short:",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], r8",
        "mov [rsp + 32], r9",
        ".Laccess_copy:",
        copy_short!("copy", "usermode_accessors_copy_long"),
        ".Lend_copy:",
        arrived_of_short!("copy", all_but: [16 of 64, 16 of 96, 32 of 96, 16 of 128, 32 of 128] and 48 of 128),
        ".Lresume_copy:",
        "mov rcx, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov r8, [rsp + 24]",
        "mov r9, [rsp + 32]",
        "jmp usermode_accessors_copy_resume",
    ],
    scopes: [
        (up_to_64 of "copy"),
        (".Lsecond_64_copy", ".Lthird_64_copy", ".L16_arrived_copy"),
        (".Lthird_64_copy", ".Lfourth_64_copy", ".L32_arrived_copy"),
        (".Lfourth_64_copy", ".Lfifth_64_copy", ".L48_arrived_copy"),
        (".Lfifth_64_copy", ".Lsixth_64_copy", ".Lall_but_32_of_96_copy"),
        (".Lsixth_64_copy", ".Lend_64_copy", ".Lall_but_16_of_96_copy"),
        (longest of "copy"),
        (".Laccess_copy", ".Lend_copy", ".Lnone_arrived_copy"),
    ],
);

// usermode_accessors_copy jumps here, with the home space as it has filled it.
global_asm!(
    begin!("usermode_accessors_copy_long", handled),
    prologue!(pushed),
    "mov rdi, rdx",
    "mov rsi, r8",
    "cmp r9, {long}",
    "jb .Lblock_copy_long",
    "test byte ptr [rcx + {processor}], {strings}",
    "jnz .Lstring_copy_long",
    ".Laccess_copy_long:",
    copy_blocks!("copy_long"),
    "mov rdx, rdi",
    "mov r8, rsi",
    epilogue!(),
    "jmp usermode_accessors_copy_short",
    ".Lstring_copy_long:",
    "mov rcx, r9",
    ".Lstrings_copy_long:",
    "rep movsb",
    ".Lstrings_end_copy_long:",
    // RDI is exact.
    "mov rax, [rsp + 32]",
    "add rax, [rsp + 48]",
    "sub rax, rdi",
    epilogue!(),
    "ret",
    arrived!("copy_long", [16, 32, 48]),
    ".Lnone_arrived_copy_long:",
    "xor r10d, r10d",
    ".Lresume_copy_long:",
    "mov rcx, [rsp + 24]",
    "mov r9, [rsp + 32]",
    "add r9, [rsp + 48]",
    "sub r9, rdi",
    "mov rdx, rdi",
    "mov r8, rsi",
    epilogue!(),
    "jmp usermode_accessors_copy_resume",
    end!("usermode_accessors_copy_long", filter!(pushed), [
        (block of "copy_long"),
        (".Laccess_copy_long", ".Lend_copy_long", ".Lnone_arrived_copy_long"),
        (".Lstrings_copy_long", ".Lstrings_end_copy_long", ".Lstrings_end_copy_long"),
    ]),
    long = const LONG,
    processor = const offset_of!(Record, processor),
    strings = const processor::STRINGS,
);

// Accesses only the record, and has no frame.
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_copy_resume",
    "usermode_accessors_copy_resume:",
    offsets_to_resume!(lines![
        "mov rax, r8",
        "cmp qword ptr [rcx + {kind}], {write}",
        "cmove rax, rdx",
    ]),
    "jmp usermode_accessors_copy_bytes",
    processor = const offset_of!(Record, processor),
    smap = const processor::SMAP,
    code = const offset_of!(Record, code),
    kind = const offset_of!(Record, kind),
    address = const offset_of!(Record, address),
    write = const Trap::WRITE,
);

guarded_routine!(
    "usermode_accessors_copy_upward",
    before: [
        "xor r10d, r10d",
        "mov r11, r9",
        // From here on: the bytes from offset R10 to offset R11, of R9.
        ".globl usermode_accessors_copy_bytes",
        "usermode_accessors_copy_bytes:",
    ],
    prologue: pushed,
    body: [
        "add r9, rdx",
        "mov [rsp + 32], r9",
        "lea rdi, [rdx + r10]",
        "lea rsi, [r8 + r10]",
        "mov rcx, r11",
        "sub rcx, r10",
        ".Laccess_copy_upward:",
        "rep movsb",
        ".Llanding_copy_upward:",
        "mov rax, [rsp + 32]",
        "sub rax, rdi",
        epilogue!(),
        "ret",
    ],
    scopes: [(".Laccess_copy_upward", ".Llanding_copy_upward", ".Llanding_copy_upward")],
);

// ECX holds the features of the processor, as the record does.
global_asm!(
    begin!("usermode_accessors_copy_directly"),
    prologue!(bare),
    ".Lshort_copy_directly:",
    copy_short!("copy_directly", "usermode_accessors_copy_long_directly"),
    end!(),
    begin!("usermode_accessors_copy_long_directly"),
    prologue!(pushed),
    "mov rdi, rdx",
    "mov rsi, r8",
    "cmp r9, {long}",
    "jb .Lblock_copy_long_directly",
    "test cl, {strings}",
    "jnz .Lstring_copy_long_directly",
    copy_blocks!("copy_long_directly"),
    "mov rdx, rdi",
    "mov r8, rsi",
    epilogue!(),
    "jmp .Lshort_copy_directly",
    ".Lstring_copy_long_directly:",
    "mov rcx, r9",
    "rep movsb",
    epilogue!(),
    "ret",
    end!(),
    long = const LONG,
    strings = const processor::STRINGS,
);

unsafe extern "efiapi" {
    pub(super) fn usermode_accessors_copy_upward(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    fn usermode_accessors_copy_directly(
        processor: u32,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    );
}

/// Copies as [`guarded_copy`] does, in the order of the addresses, with the effect of single bytes. So
/// the destination may lie below a source that it overlaps.
///
/// [`guarded_copy`]: crate::arch::guarded_copy
///
/// # Safety
///
/// As for [`guarded_copy`].
pub(crate) unsafe fn guarded_copy_upward(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let routine = usermode_accessors_copy_upward;
    // SAFETY: the caller's promise is the same.
    unsafe { copy_by(routine, without_rest, destination, source, length) }
}

/// Copies forward without a guard. If the ranges overlap, the shared bytes end up unspecified.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
#[inline]
pub(crate) unsafe fn copy(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller guarantees both ranges.
    unsafe { usermode_accessors_copy_directly(features(), destination, source, length) };
}

/// Copies as [`copy`] does, in the order of the addresses, with the effect of single bytes. So the
/// destination may lie below a source that it overlaps.
///
/// # Safety
///
/// As for [`copy`].
pub(crate) unsafe fn copy_upward(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller guarantees both ranges; DF is clear by the calling convention.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") length => _,
            inout("rdi") destination => _,
            inout("rsi") source => _,
            options(nostack, preserves_flags),
        );
    }
}
