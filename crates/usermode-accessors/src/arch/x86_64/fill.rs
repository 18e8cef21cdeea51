//! Fills, in the way of [`copy`](super::copy): up to 128 bytes with stores that overlap in the middle;
//! longer with blocks of 64 bytes; from 1 KiB on with `REP STOSB`. After a fault a fill resumes to find
//! the exact byte.

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
    ($name:literal, $long:literal) => {
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
            "cmp r9, 32",
            concat!("ja .Lover_32_", $name),
            stores!(
                concat!("16_", $name),
                "movups [rdx], xmm0",
                second: "movups [rdx + r10 - 16], xmm0",
            ),
            "xor eax, eax",
            "ret",
            concat!(".Lover_32_", $name, ":"),
            "cmp r9, 64",
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
            "cmp r9, 128",
            concat!("ja ", $long),
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

/// Fills R9 bytes, more than 128, at RDI in blocks, and stops before the last 65 to 128 of them.
macro_rules! fill_blocks {
    ($name:literal) => {
        lines![
            concat!(".Lblock_", $name, ":"),
            stores!(
                $name,
                "movups [rdi], xmm0",
                second: "movups [rdi + 16], xmm0",
                third: "movups [rdi + 32], xmm0",
                fourth: "movups [rdi + 48], xmm0",
            ),
            "add rdi, 64",
            "sub r9, 64",
            "cmp r9, 128",
            concat!("ja .Lblock_", $name),
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
        ".globl usermode_accessors_fill_short",
        "usermode_accessors_fill_short:",
        ".Laccess_fill:",
        fill_short!("fill", "usermode_accessors_fill_long"),
        ".Lend_fill:",
        arrived_of_short!("fill", all_but: [16 of 64, 16 of 128, 32 of 128] and 48 of 128),
        ".Lresume_fill:",
        "mov rcx, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov r8, [rsp + 24]",
        "mov r9, [rsp + 32]",
        "jmp usermode_accessors_fill_resume",
    ],
    scopes: [
        (up_to_64 of "fill"),
        (longest of "fill"),
        (".Laccess_fill", ".Lend_fill", ".Lnone_arrived_fill"),
    ],
);

// More than 128 bytes. The registers are those of usermode_accessors_fill, which jumps here.
global_asm!(
    begin!("usermode_accessors_fill_long", handled),
    prologue!(pushed),
    keep_record!(pushed),
    "mov rdi, rdx",
    "cmp r9, {long}",
    "jb .Lblock_fill_long",
    "test byte ptr [rip + {features}], {strings}",
    "jnz .Lstring_fill_long",
    ".Laccess_fill_long:",
    fill_blocks!("fill_long"),
    "mov rdx, rdi",
    epilogue!(),
    "jmp usermode_accessors_fill_short",
    ".Lstring_fill_long:",
    "mov eax, r8d",
    "mov rcx, r9",
    ".Lstrings_fill_long:",
    "rep stosb",
    ".Lstrings_end_fill_long:",
    "xor eax, eax",
    epilogue!(),
    "ret",
    // RDI is exact.
    ".Lstrings_landing_fill_long:",
    "mov rax, [rsp + 32]",
    "add rax, [rsp + 48]",
    "sub rax, rdi",
    epilogue!(),
    "ret",
    arrived!("fill_long", [16, 32, 48]),
    ".Lnone_arrived_fill_long:",
    "xor r10d, r10d",
    ".Lresume_fill_long:",
    "mov rcx, [rsp + 24]",
    "mov r8, [rsp + 40]",
    "mov r9, [rsp + 48]",
    "mov rdx, rdi",
    epilogue!(),
    "jmp usermode_accessors_fill_resume",
    end!("usermode_accessors_fill_long", filter!(pushed), [(long_blocks of "fill_long")]),
    long = const LONG,
    features = sym processor::FEATURES,
    strings = const processor::STRINGS,
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
    end!("usermode_accessors_fill_bytes", filter!(pushed), [
        (".Laccess_fill_bytes", ".Lend_fill_bytes", ".Llanding_fill_bytes"),
    ]),
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
    ".Lshort_fill_directly:",
    fill_short!("fill_directly", "usermode_accessors_fill_long_directly"),
    end!(),
    begin!("usermode_accessors_fill_long_directly"),
    prologue!(pushed),
    "mov rdi, rdx",
    "cmp r9, {long}",
    "jb .Lblock_fill_long_directly",
    "test cl, {strings}",
    "jnz .Lstring_fill_long_directly",
    fill_blocks!("fill_long_directly"),
    "mov rdx, rdi",
    epilogue!(),
    "jmp .Lshort_fill_directly",
    ".Lstring_fill_long_directly:",
    "mov eax, r8d",
    "mov rcx, r9",
    "rep stosb",
    epilogue!(),
    "ret",
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
