//! Copies from the last byte to the first, for ranges that overlap the wrong way round.
//!
//! Byte by byte, with moves and not with `std` and `rep movsb`: after a fault the direction flag
//! would be whatever the dispatcher makes of it.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{EFLAGS_AC, Record, Trap, smap_is_on};

/// RDI and RSI stand behind what is still to be moved; RDX is where the destination starts.
macro_rules! move_bytes_down {
    () => {
        lines![
            "5:",
            "cmp rdi, rdx",
            "je 6f",
            "movzx eax, byte ptr [rsi - 1]",
            "mov byte ptr [rdi - 1], al",
            "dec rsi",
            "dec rdi",
            "jmp 5b",
            "6:",
        ]
    };
}

guarded_leaf!(
    "usermode_accessors_copy_backward",
    setup: ["lea rdi, [rdx + r9]", "lea rsi, [r8 + r9]"],
    access: move_bytes_down!(),
    result: ["mov rax, rdi", "sub rax, [rsp + 8]"]
);

unsafe extern "win64" {
    /// Returns how many bytes were *not* moved: those in front.
    pub(super) fn usermode_accessors_copy_backward(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
}

/// Copies from the last byte down, with at least one side in user memory. The trap counts the
/// bytes at the end.
///
/// # Safety
///
/// A side that is not user memory is valid for `length` bytes. A user side passed
/// [`crate::probe::check_range`].
pub(crate) unsafe fn guarded_copy_backward(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new(smap_is_on());
    // SAFETY: the record outlives the call; the caller vouches for the kernel's side, and a
    // fault on a user side returns.
    let left =
        unsafe { usermode_accessors_copy_backward(&raw mut record, destination, source, length) };
    record.result(length.wrapping_sub(left))
}

/// Copies from the last byte down, without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy_backward(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller vouches for both ranges.
    unsafe {
        asm!(
            move_bytes_down!(),
            inout("rdi") destination.wrapping_add(length) => _,
            inout("rsi") source.wrapping_add(length) => _,
            in("rdx") destination,
            out("rax") _,
            options(nostack),
        );
    }
}
