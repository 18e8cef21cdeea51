//! Copies with stores that bypass the cache.
//!
//! Blocks of 64 bytes are stored with streaming stores of 16 bytes to aligned addresses. The bytes
//! before and after them are moved singly. After a fault of a block the copy continues byte by byte,
//! as in [`resume`](super::resume). An `SFENCE` follows, also after a fault: streaming stores are not
//! ordered with other stores by themselves.
//!
//! Source: "`MOVNTDQ`" and "`SFENCE`", Intel 64 and IA-32 Architectures Software Developer's Manual.

use core::arch::{asm, global_asm};

use super::{EFLAGS_AC, USER_LIMIT, processor};

/// Copies single bytes until the destination is aligned. RDI and RSI point to the next byte. R9 is the
/// number of bytes, then of the bytes left. Changes RCX.
macro_rules! copy_to_alignment {
    ($access:expr, $end:expr) => {
        lines![
            "mov ecx, edi",
            "neg ecx",
            "and ecx, 15",
            "cmp rcx, r9",
            "cmova rcx, r9",
            "sub r9, rcx",
            $access,
            "rep movsb",
            $end,
        ]
    };
}

/// Streams blocks until fewer than 64 of R9 bytes are left. RCX is then their number. Changes R9 and
/// XMM0 to XMM3. The labels come before the second, third and fourth store.
macro_rules! stream_blocks {
    ($second:expr, $third:expr, $fourth:expr, $end:expr) => {
        lines![
            "cmp r9, 64",
            "jb 6f",
            "5:",
            "movups xmm0, [rsi]",
            "movups xmm1, [rsi + 16]",
            "movups xmm2, [rsi + 32]",
            "movups xmm3, [rsi + 48]",
            "movntdq [rdi], xmm0",
            $second,
            "movntdq [rdi + 16], xmm1",
            $third,
            "movntdq [rdi + 32], xmm2",
            $fourth,
            "movntdq [rdi + 48], xmm3",
            $end,
            "add rsi, 64",
            "add rdi, 64",
            "sub r9, 64",
            "cmp r9, 64",
            "jae 5b",
            "6:",
            "mov rcx, r9",
        ]
    };
}

guarded_routine!(
    "usermode_accessors_copy_nontemporal",
    entries: copy_entries!("usermode_accessors_copy_nontemporal", clamps: clamp),
    before: [],
    prologue: pushed,
    body: [
        "mov rdi, rdx",
        "mov rsi, r8",
        "add rdx, r9",
        copy_to_alignment!(".Laccess_copy_nontemporal:", ".Lblocks_copy_nontemporal:"),
        stream_blocks!(
            ".Lsecond_block_copy_nontemporal:",
            ".Lthird_block_copy_nontemporal:",
            ".Lfourth_block_copy_nontemporal:",
            ".Lend_block_copy_nontemporal:"
        ),
        ".Lrest_copy_nontemporal:",
        "rep movsb",
        ".Lend_rest_copy_nontemporal:",
        "sfence",
        "xor eax, eax",
        epilogue!(),
        "ret",
        // RDI is exact.
        ".Llanding_copy_nontemporal:",
        "sfence",
        "mov rax, [rsp + 32]",
        "sub rax, rdi",
        epilogue!(),
        "ret",
        arrived!("copy_nontemporal", [16, 32, 48]),
        ".Lnone_arrived_copy_nontemporal:",
        "xor r10d, r10d",
        ".Lresume_copy_nontemporal:",
        "sfence",
        "mov rcx, [rsp + 24]",
        "mov rdx, rdi",
        "mov r8, rsi",
        "mov r9, [rsp + 32]",
        "sub r9, rdi",
        epilogue!(),
        "jmp usermode_accessors_copy_resume",
    ],
    scopes: [
        (
            ".Laccess_copy_nontemporal",
            ".Lblocks_copy_nontemporal",
            ".Llanding_copy_nontemporal"
        ),
        (block of "copy_nontemporal"),
        (
            ".Lblocks_copy_nontemporal",
            ".Lrest_copy_nontemporal",
            ".Lnone_arrived_copy_nontemporal"
        ),
        (
            ".Lrest_copy_nontemporal",
            ".Lend_rest_copy_nontemporal",
            ".Llanding_copy_nontemporal"
        ),
    ],
);

/// Copies forward with streaming stores, without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy_nontemporal(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller guarantees both ranges.
    unsafe {
        asm!(
            copy_to_alignment!("", ""),
            stream_blocks!("", "", "", ""),
            "rep movsb",
            "sfence",
            inout("rdi") destination => _,
            inout("rsi") source => _,
            inout("r9") length => _,
            out("rcx") _,
            out("xmm0") _,
            out("xmm1") _,
            out("xmm2") _,
            out("xmm3") _,
            options(nostack),
        );
    }
}
