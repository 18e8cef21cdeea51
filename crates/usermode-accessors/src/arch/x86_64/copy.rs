//! Copies from the first byte to the last.
//!
//! A copy of up to 96 bytes loads all bytes before it stores any, with moves that overlap in the
//! middle. A copy of up to 128 bytes does so in two halves. A longer copy moves blocks of 64 bytes and
//! then the last 64 bytes, which overlap the blocks. From 2 KiB on it is one `REP MOVSB`, where the
//! processor is fast at it. Only general registers and XMM0 to XMM5 are used. The classes of lengths
//! jump to each other, so they are one file.
//!
//! The blocks are not aligned: measured, that saves more up to 512 bytes than it costs above.
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
    EFLAGS_AC, Record, Trap, USER_LIMIT,
    processor::{self, features},
    stores::LONG,
};

/// Copies R9 bytes from R8 to RDX and returns 0, if they are at most 128; else jumps to `long`. Changes
/// RAX, R10, R11 and XMM0 to XMM5. The labels end in `name`.
macro_rules! copy_short {
    ($name:literal, $long:expr) => {
        lines![
            jump_by_length!($name),
            "movzx eax, byte ptr [r8]",
            "mov byte ptr [rdx], al",
            concat!(".Lnothing_", $name, ":"),
            "xor eax, eax",
            "ret",
            concat!(".Lfrom_2_", $name, ":"),
            "movzx eax, word ptr [r8]",
            "movzx r11d, word ptr [r8 + r10 - 2]",
            stores!(
                concat!("2_", $name),
                "mov word ptr [rdx], ax",
                second: "mov word ptr [rdx + r10 - 2], r11w",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lfrom_4_", $name, ":"),
            "mov eax, dword ptr [r8]",
            "mov r11d, dword ptr [r8 + r10 - 4]",
            stores!(
                concat!("4_", $name),
                "mov dword ptr [rdx], eax",
                second: "mov dword ptr [rdx + r10 - 4], r11d",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lfrom_8_", $name, ":"),
            "mov rax, qword ptr [r8]",
            "mov r11, qword ptr [r8 + r10 - 8]",
            stores!(
                concat!("8_", $name),
                "mov qword ptr [rdx], rax",
                second: "mov qword ptr [rdx + r10 - 8], r11",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lover_16_", $name, ":"),
            "movups xmm0, [r8]",
            "movups xmm1, [r8 + r10 - 16]",
            stores!(
                concat!("16_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + r10 - 16], xmm1",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lover_32_", $name, ":"),
            "cmp r9, 128",
            concat!("ja ", $long),
            "cmp r9d, 64",
            concat!("ja .Lover_64_", $name),
            "movups xmm0, [r8]",
            "movups xmm1, [r8 + 16]",
            "movups xmm2, [r8 + r10 - 32]",
            "movups xmm3, [r8 + r10 - 16]",
            stores!(
                concat!("32_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm1",
                third: "movups [rdx + r10 - 32], xmm2",
                fourth: "movups [rdx + r10 - 16], xmm3",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lover_64_", $name, ":"),
            "cmp r9d, 96",
            concat!("ja .Lover_96_", $name),
            "movups xmm0, [r8]",
            "movups xmm1, [r8 + 16]",
            "movups xmm2, [r8 + 32]",
            "movups xmm3, [r8 + r10 - 48]",
            "movups xmm4, [r8 + r10 - 32]",
            "movups xmm5, [r8 + r10 - 16]",
            stores!(
                concat!("64_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm1",
                third: "movups [rdx + 32], xmm2",
                fourth: "movups [rdx + r10 - 48], xmm3",
                fifth: "movups [rdx + r10 - 32], xmm4",
                sixth: "movups [rdx + r10 - 16], xmm5",
            ),
            "xor eax, eax",
            "ret",
            // In two halves: there are six registers.
            concat!(".Lover_96_", $name, ":"),
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
                    "movups xmm0, [r8 + r10 - 64]",
                    "movups xmm1, [r8 + r10 - 48]",
                    "movups xmm2, [r8 + r10 - 32]",
                    "movups xmm3, [r8 + r10 - 16]",
                    "movups [rdx + r10 - 64], xmm0",
                ],
                sixth: "movups [rdx + r10 - 48], xmm1",
                seventh: "movups [rdx + r10 - 32], xmm2",
                eighth: "movups [rdx + r10 - 16], xmm3",
            ),
            "xor eax, eax",
            "ret",
        ]
    };
}

/// Copies R9 bytes, more than 128, from R8 to RDX and returns 0. RDX, R8 and R9 stand for the bytes that
/// are left. Changes R10 and XMM0 to XMM3.
macro_rules! copy_blocks {
    ($name:literal) => {
        lines![
            concat!(".Lblock_", $name, ":"),
            "movups xmm0, [r8]",
            "movups xmm1, [r8 + 16]",
            "movups xmm2, [r8 + 32]",
            "movups xmm3, [r8 + 48]",
            stores!(
                concat!("block_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm1",
                third: "movups [rdx + 32], xmm2",
                fourth: "movups [rdx + 48], xmm3",
            ),
            "add r8, 64",
            "add rdx, 64",
            "sub r9, 64",
            "cmp r9, 64",
            concat!("ja .Lblock_", $name),
            // At most 64 bytes are left. If the processor predicts otherwise, this is still small.
            "movzx r10d, r9b",
            "movups xmm0, [r8 + r10 - 64]",
            "movups xmm1, [r8 + r10 - 48]",
            "movups xmm2, [r8 + r10 - 32]",
            "movups xmm3, [r8 + r10 - 16]",
            stores!(
                concat!("rest_", $name),
                "movups [rdx + r10 - 64], xmm0",
                second: "movups [rdx + r10 - 48], xmm1",
                third: "movups [rdx + r10 - 32], xmm2",
                fourth: "movups [rdx + r10 - 16], xmm3",
            ),
            "xor eax, eax",
            "ret",
        ]
    };
}

/// The guarded copy, and its landing pads. The labels end in `name`.
macro_rules! copy_body {
    ($name:literal, $resume:literal) => {
        lines![
            concat!(".Laccess_", $name, ":"),
            move_by_length!(
                $name,
                copy_short,
                copy_blocks,
                "test byte ptr [rip + {features}], {strings}",
                "usermode_accessors_copy_strings"
            ),
            concat!(".Lend_", $name, ":"),
            arrived_of!($name, all_but: [
                48 of 0, 32 of 0, 16 of 0, 16 of 64, 16 of 96, 32 of 96, 16 of 128, 32 of 128
            ] and 48 of 128, resume: $resume),
        ]
    };
}

/// The scopes of [`copy_body`].
#[cfg(windows)]
macro_rules! copy_scopes {
    ($filter:expr, $name:literal) => {
        lines![
            up_to_64!($filter, $name),
            scopes_of!($filter, $name, [
                "64": [
                    "second" => "16_arrived",
                    "third" => "32_arrived",
                    "fourth" => "48_arrived",
                    "fifth" => "all_but_32_of_96",
                    "sixth" => "all_but_16_of_96"
                ],
            ]),
            longest!($filter, $name),
            blocks!($filter, $name),
        ]
    };
}

guarded_routine!(
    "usermode_accessors_copy",
    entries: copy_entries!("usermode_accessors_copy", clamps: clamp),
    before: [],
    prologue: bare,
    body: [copy_body!("copy", "usermode_accessors_copy_resume")],
    scopes: [(copy_scopes of "copy")],
    operands: [long = LONG, strings = processor::STRINGS],
);

// The same for kernel memory: no address is clamped, and user memory stays closed.
global_asm!(
    begin!("usermode_accessors_copy_closed", handled),
    prologue!(bare),
    copy_body!("copy_closed", "usermode_accessors_copy_resume_closed"),
    end!("usermode_accessors_copy_closed", filter!(bare), [(copy_scopes of "copy_closed")]),
    long = const LONG,
    features = sym processor::FEATURES,
    strings = const processor::STRINGS,
);

string_routines!(
    "usermode_accessors_copy_strings",
    "mov rsi, r8",
    "rep movsb"
);

// Accesses only the record, and has no frame.
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_copy_resume",
    "usermode_accessors_copy_resume:",
    reopen!(),
    ".globl usermode_accessors_copy_resume_closed",
    "usermode_accessors_copy_resume_closed:",
    offsets_to_resume!(lines![
        "mov rax, r8",
        "cmp qword ptr [rcx + {kind}], {write}",
        "cmove rax, rdx",
    ]),
    "jmp usermode_accessors_copy_bytes",
    features = sym processor::FEATURES,
    smap = const processor::SMAP,
    code = const offset_of!(Record, code),
    kind = const offset_of!(Record, kind),
    address = const offset_of!(Record, address),
    write = const Trap::WRITE,
);

guarded_routine!(
    "usermode_accessors_copy_upward",
    entries: copy_entries!("usermode_accessors_copy_upward", clamps: clamp),
    before: [
        "xor r10d, r10d",
        "mov rax, r9",
        // From here on: the bytes from offset R10 to offset RAX, of R9.
        ".globl usermode_accessors_copy_bytes",
        "usermode_accessors_copy_bytes:",
    ],
    prologue: pushed,
    body: [
        "add r9, rdx",
        "lea rdi, [rdx + r10]",
        "lea rsi, [r8 + r10]",
        "mov rcx, rax",
        "sub rcx, r10",
        ".Laccess_copy_upward:",
        "rep movsb",
        ".Lend_copy_upward:",
        "mov rax, r9",
        "sub rax, rdi",
        epilogue!(),
        "ret",
        ".Llanding_copy_upward:",
        "mov rax, [rsp + 48]",
        "sub rax, rdi",
        epilogue!(),
        "ret",
    ],
    scopes: [(".Laccess_copy_upward", ".Lend_copy_upward", ".Llanding_copy_upward")],
);

// ECX holds the features of the processor.
global_asm!(
    begin!("usermode_accessors_copy_directly"),
    prologue!(bare),
    move_by_length!(
        "copy_directly",
        copy_short,
        copy_blocks,
        "test cl, {strings}",
        "usermode_accessors_copy_strings_directly"
    ),
    end!(),
    long = const LONG,
    strings = const processor::STRINGS,
);

unsafe extern "efiapi" {
    fn usermode_accessors_copy_directly(
        processor: u32,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    );
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
