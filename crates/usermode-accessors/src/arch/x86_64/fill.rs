//! Fills, in the way of [`copy`](super::copy): up to 128 bytes with stores that overlap in the middle;
//! longer with blocks of 64 bytes; from 2 KiB on with `REP STOSB`. The blocks are aligned. After a fault a fill resumes to find the exact byte.

use core::{arch::global_asm, mem::offset_of};

use super::{
    EFLAGS_AC, Record, USER_LIMIT,
    processor::{self, features},
    stores::LONG,
};

/// Copies the byte in R8 to every byte of R8 and XMM0. Changes RAX.
macro_rules! repeat_byte {
    () => {
        lines![
            "movzx r8d, r8b",
            "mov rax, 0x0101010101010101",
            "imul r8, rax",
            "movq xmm0, r8",
            "punpcklqdq xmm0, xmm0",
        ]
    };
}

/// Fills R9 bytes at RDX and returns 0, if they are at most 128; else jumps to `long`. R8 and XMM0 hold
/// the byte in each of their bytes. Changes R10. The labels end in `name`.
macro_rules! fill_short {
    ($name:literal, $long:expr) => {
        lines![
            jump_by_length!($name),
            "mov byte ptr [rdx], r8b",
            concat!(".Lnothing_", $name, ":"),
            "xor eax, eax",
            "ret",
            concat!(".Lfrom_2_", $name, ":"),
            stores!(
                concat!("2_", $name),
                "mov word ptr [rdx], r8w",
                second: "mov word ptr [rdx + r10 - 2], r8w",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lfrom_4_", $name, ":"),
            stores!(
                concat!("4_", $name),
                "mov dword ptr [rdx], r8d",
                second: "mov dword ptr [rdx + r10 - 4], r8d",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lfrom_8_", $name, ":"),
            stores!(
                concat!("8_", $name),
                "mov qword ptr [rdx], r8",
                second: "mov qword ptr [rdx + r10 - 8], r8",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lover_16_", $name, ":"),
            stores!(
                concat!("16_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + r10 - 16], xmm0",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lover_32_", $name, ":"),
            "cmp r9, 128",
            concat!("ja ", $long),
            "cmp r9d, 64",
            concat!("ja .Lover_64_", $name),
            stores!(
                concat!("32_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm0",
                third: "movups [rdx + r10 - 32], xmm0",
                fourth: "movups [rdx + r10 - 16], xmm0",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lover_64_", $name, ":"),
            stores!(
                concat!("longest_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm0",
                third: "movups [rdx + 32], xmm0",
                fourth: "movups [rdx + 48], xmm0",
                fifth: "movups [rdx + r10 - 64], xmm0",
                sixth: "movups [rdx + r10 - 48], xmm0",
                seventh: "movups [rdx + r10 - 32], xmm0",
                eighth: "movups [rdx + r10 - 16], xmm0",
            ),
            "xor eax, eax",
            "ret",
        ]
    };
}

/// Fills R9 bytes, more than 128, at RDX and returns 0. RDX and R9 stand for the bytes that are left.
/// Changes RAX, R8 and R10.
///
/// The first store is not aligned and reaches into the first block. R8 keeps the start above its byte, but
/// for 8 bits, so that the landing pad of a block's first store can tell how far.
macro_rules! fill_blocks {
    ($name:literal) => {
        lines![
            "movups [rdx], xmm0",
            "mov rax, rdx",
            "shl rax, 8",
            "mov al, r8b",
            "mov r8, rax",
            "mov eax, edx",
            "neg eax",
            "and eax, 15",
            "add rdx, rax",
            "sub r9, rax",
            concat!(".Lblock_", $name, ":"),
            concat!(".Lfirst_block_", $name, ":"),
            stores!(
                concat!("block_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + 16], xmm0",
                third: "movups [rdx + 32], xmm0",
                fourth: "movups [rdx + 48], xmm0",
            ),
            "add rdx, 64",
            "sub r9, 64",
            "cmp r9, 64",
            concat!("ja .Lblock_", $name),
            "movzx r10d, r9b",
            stores!(
                concat!("rest_", $name),
                "movups [rdx + r10 - 64], xmm0",
                second: "movups [rdx + r10 - 48], xmm0",
                third: "movups [rdx + r10 - 32], xmm0",
                fourth: "movups [rdx + r10 - 16], xmm0",
            ),
            "xor eax, eax",
            "ret",
        ]
    };
}

/// The scopes of the guarded fill.
#[cfg(windows)]
macro_rules! fill_scopes {
    ($filter:expr, $name:literal) => {
        lines![
            up_to_64!($filter, $name),
            longest!($filter, $name),
            scope!(
                $filter,
                (
                    concat!(".Lfirst_block_", $name),
                    concat!(".Lsecond_block_", $name),
                    concat!(".Lhead_arrived_", $name)
                )
            ),
            blocks!($filter, $name),
        ]
    };
}

guarded_routine!(
    "usermode_accessors_fill",
    entries: one_entry!("usermode_accessors_fill"),
    before: [],
    prologue: bare,
    body: [
        repeat_byte!(),
        ".Laccess_fill:",
        move_by_length!(
            "fill",
            fill_short,
            fill_blocks,
            "test byte ptr [rip + {features}], {strings}",
            "usermode_accessors_fill_strings"
        ),
        ".Lend_fill:",
        // The first store has 16 bytes from the start. RDX is at most 15 after it, or in another block.
        ".Lhead_arrived_fill:",
        "mov rax, [rsp + 16]",
        "shl rax, 8",
        "mov r10, [rsp + 24]",
        "xor r10b, r10b",
        "sub r10, rax",
        "sar r10, 8",
        "add r10, 16",
        "jns .Lresume_fill",
        "xor r10d, r10d",
        "jmp .Lresume_fill",
        arrived_of!("fill", all_but: [
            48 of 0, 32 of 0, 16 of 0, 16 of 64, 16 of 128, 32 of 128
        ] and 48 of 128, resume: "usermode_accessors_fill_resume"),
    ],
    scopes: [(fill_scopes of "fill")],
    operands: [long = LONG, strings = processor::STRINGS],
);

string_routines!(
    "usermode_accessors_fill_strings",
    "mov eax, r8d",
    "rep stosb"
);

// Fills from offset R10 to offset RAX of R9 bytes at RDX, with the byte in R8.
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_fill_resume",
    "usermode_accessors_fill_resume:",
    reopen!(),
    offsets_to_resume!("mov rax, rdx"),
    "jmp usermode_accessors_fill_bytes",
    begin!("usermode_accessors_fill_bytes", handled),
    prologue!(pushed),
    keep_record!(pushed),
    "add r9, rdx",
    "lea rdi, [rdx + r10]",
    "mov rcx, rax",
    "sub rcx, r10",
    "mov eax, r8d",
    ".Laccess_fill_bytes:",
    "rep stosb",
    ".Lend_fill_bytes:",
    "mov rax, r9",
    "sub rax, rdi",
    epilogue!(),
    "ret",
    ".Llanding_fill_bytes:",
    "mov rax, [rsp + 48]",
    "sub rax, rdi",
    epilogue!(),
    "ret",
    end!("usermode_accessors_fill_bytes", filter!(pushed), [(access_scope of "fill_bytes")]),
    features = sym processor::FEATURES,
    smap = const processor::SMAP,
    code = const offset_of!(Record, code),
    address = const offset_of!(Record, address),
);

// ECX holds the features of the processor.
global_asm!(
    begin!("usermode_accessors_fill_directly"),
    prologue!(bare),
    repeat_byte!(),
    move_by_length!(
        "fill_directly",
        fill_short,
        fill_blocks,
        "test cl, {strings}",
        "usermode_accessors_fill_strings_directly"
    ),
    end!(),
    long = const LONG,
    strings = const processor::STRINGS,
);

unsafe extern "efiapi" {
    fn usermode_accessors_fill_directly(
        processor: u32,
        destination: *mut u8,
        byte: u32,
        length: usize,
    );
}

/// Fills without a guard.
///
/// # Safety
///
/// The range is valid for `length` bytes.
#[inline]
pub(crate) unsafe fn fill(destination: *mut u8, byte: u8, length: usize) {
    // SAFETY: the caller guarantees the range.
    unsafe { usermode_accessors_fill_directly(features(), destination, u32::from(byte), length) };
}
