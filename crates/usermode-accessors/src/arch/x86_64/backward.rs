//! Copies from the last byte to the first, for a destination above a source that it overlaps.
//!
//! The copy moves blocks of 32 bytes, then of 8, then single bytes. Each block is loaded before it is
//! stored. It does not use `std` and `rep movsb`: after a fault the direction flag depends on the
//! dispatcher. After a fault of a block it continues byte by byte, as in [`resume`](super::resume).

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{EFLAGS_AC, Record, Trap, USER_LIMIT, processor};

/// Moves blocks. RDI and RSI point after the bytes that are left; RDX is the start of the destination.
/// Changes RAX, XMM0 and XMM1. At the label `second`, 16 more bytes are stored than RDI shows.
macro_rules! move_blocks_down {
    ($second:expr, $end:expr) => {
        lines![
            "mov rax, rdi",
            "sub rax, rdx",
            "cmp rax, 32",
            "jb 6f",
            "5:",
            "movups xmm0, [rsi - 16]",
            "movups xmm1, [rsi - 32]",
            "movups [rdi - 16], xmm0",
            $second,
            "movups [rdi - 32], xmm1",
            $end,
            "sub rsi, 32",
            "sub rdi, 32",
            "sub rax, 32",
            "cmp rax, 32",
            "jae 5b",
            "6:",
            "cmp rax, 8",
            "jb 8f",
            "7:",
            "mov r10, qword ptr [rsi - 8]",
            "mov qword ptr [rdi - 8], r10",
            "sub rsi, 8",
            "sub rdi, 8",
            "sub rax, 8",
            "cmp rax, 8",
            "jae 7b",
            "8:",
        ]
    };
}

/// Moves single bytes, down to RDX.
macro_rules! move_bytes_down {
    () => {
        lines![
            "9:",
            "cmp rdi, rdx",
            "je 9f",
            "movzx eax, byte ptr [rsi - 1]",
            "mov byte ptr [rdi - 1], al",
            "dec rsi",
            "dec rdi",
            "jmp 9b",
            "9:",
        ]
    };
}

/// Clamps the start and the length, so that the end is at most the user limit. Changes RAX.
macro_rules! clamp_range {
    ($address:literal) => {
        lines![
            clamp!($address),
            concat!("sub rax, ", $address),
            "cmp r9, rax",
            "cmovae r9, rax",
        ]
    };
}

guarded_routine!(
    "usermode_accessors_copy_backward",
    entries: copy_entries!("usermode_accessors_copy_backward", clamps: clamp_range),
    before: [],
    prologue: pushed,
    body: [
        "lea rdi, [rdx + r9]",
        "lea rsi, [r8 + r9]",
        // The start of the destination: the first byte to move may come to lie above it.
        "mov r9, rdx",
        ".Laccess_copy_backward:",
        move_blocks_down!(".Lsecond_copy_backward:", ".Lend_block_copy_backward:"),
        ".Lbytes_copy_backward:",
        move_bytes_down!(),
        ".Lend_copy_backward:",
        "mov rax, rdi",
        "sub rax, r9",
        epilogue!(),
        "ret",
        ".Llanding_copy_backward:",
        "mov r9, [rsp + 48]",
        "jmp .Lend_copy_backward",
        ".L16_arrived_copy_backward:",
        "sub rdi, 16",
        "sub rsi, 16",
        ".Lnone_arrived_copy_backward:",
        reopen!(),
        "mov rcx, [rsp + 24]",
        "mov r11, rcx",
        "mov r9, [rsp + 48]",
        "mov rdx, r9",
        "cmp dword ptr [rcx + {code}], 0x80000001", // STATUS_GUARD_PAGE_VIOLATION
        "je 3f",
        "cmp dword ptr [rcx + {code}], 0xC00000FD", // STATUS_STACK_OVERFLOW
        "jne .Lbytes_copy_backward",
        "3:",
        // Moves the bytes above the guard page. The next byte below them is the one to report.
        "mov r10, rsi",
        "cmp qword ptr [rcx + {kind}], {write}",
        "cmove r10, rdi",
        "dec r10",
        "mov r8, [rcx + {address}]",
        "cmp r8, {unknown}",
        "je .Lend_copy_backward",
        "or r8, 0xFFF",
        "cmp r8, r10",
        "cmova r8, r10",
        "sub r10, r8",
        "mov rax, rdi",
        "sub rax, rdx",
        "cmp r10, rax",
        "jae .Lend_copy_backward",
        "mov [rcx + {address}], r8",
        "mov rdx, rdi",
        "sub rdx, r10",
        "jmp .Lbytes_copy_backward",
    ],
    scopes: [
        (
            ".Lsecond_copy_backward",
            ".Lend_block_copy_backward",
            ".L16_arrived_copy_backward"
        ),
        (".Laccess_copy_backward", ".Lbytes_copy_backward", ".Lnone_arrived_copy_backward"),
        (".Lbytes_copy_backward", ".Lend_copy_backward", ".Llanding_copy_backward"),
    ],
    operands: [
        code = offset_of!(Record, code),
        kind = offset_of!(Record, kind),
        address = offset_of!(Record, address),
        write = Trap::WRITE,
        unknown = -1,
    ],
);

/// Copies from the last byte down, without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy_backward(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller guarantees both ranges.
    unsafe {
        asm!(
            move_blocks_down!("", ""),
            move_bytes_down!(),
            inout("rdi") destination.wrapping_add(length) => _,
            inout("rsi") source.wrapping_add(length) => _,
            in("rdx") destination,
            out("rax") _,
            out("r10") _,
            out("xmm0") _,
            out("xmm1") _,
            options(nostack),
        );
    }
}
