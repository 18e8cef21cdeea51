//! Copies that do not pass through the cache on their way out.
//!
//! Streaming stores of eight bytes, to aligned places only; the rest goes byte by byte. No load
//! and no store of eight bytes crosses the end of a page, so a fault stops at the very byte that
//! cannot be moved, as it does in the plain copy. `SFENCE` follows, after a fault too: streaming
//! stores are not ordered with others by themselves.
//!
//! Source: "`MOVNTI`" and "`SFENCE`", Intel 64 and IA-32 Architectures Software Developer's Manual.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{EFLAGS_AC, Record, Trap, smap_is_on};

/// RDI and RSI stand at the next byte, R9 is the end of the destination.
macro_rules! stream_bytes {
    () => {
        lines![
            "5:",
            "mov rax, r9",
            "sub rax, rdi",
            "jz 7f",
            "cmp rax, 8",
            "jb 6f",
            "test dil, 7",
            "jnz 6f",
            // Eight bytes from here on would cross into the next page.
            "mov eax, esi",
            "and eax, 0xFFF",
            "cmp eax, 0xFF8",
            "ja 6f",
            "mov rax, qword ptr [rsi]",
            "movnti qword ptr [rdi], rax",
            "add rsi, 8",
            "add rdi, 8",
            "jmp 5b",
            "6:",
            "movzx eax, byte ptr [rsi]",
            "mov byte ptr [rdi], al",
            "inc rsi",
            "inc rdi",
            "jmp 5b",
            "7:",
        ]
    };
}

guarded_leaf!(
    "usermode_accessors_copy_nontemporal",
    setup: ["mov rdi, rdx", "mov rsi, r8", "add r9, rdx"],
    access: stream_bytes!(),
    result: ["sfence", "mov rax, rdi", "sub rax, [rsp + 8]"]
);

unsafe extern "win64" {
    pub(super) fn usermode_accessors_copy_nontemporal(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
}

/// Copies forward with streaming stores, with at least one side in user memory.
///
/// # Safety
///
/// A side that is not user memory is valid for `length` bytes. A user side passed
/// [`crate::probe::check_range`].
pub(crate) unsafe fn guarded_copy_nontemporal(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new(smap_is_on());
    // SAFETY: the record outlives the call; the caller vouches for the kernel's side, and a
    // fault on a user side returns.
    let copied = unsafe {
        usermode_accessors_copy_nontemporal(&raw mut record, destination, source, length)
    };
    record.result(copied)
}

/// Copies forward with streaming stores, without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy_nontemporal(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller vouches for both ranges.
    unsafe {
        asm!(
            stream_bytes!(),
            "sfence",
            inout("rdi") destination => _,
            inout("rsi") source => _,
            in("r9") destination.wrapping_add(length),
            out("rax") _,
            options(nostack),
        );
    }
}
