//! How a fast copy or fill resumes after a fault: byte by byte, to find the exact byte.
//!
//! A fault of a wide access means that one of its bytes cannot be accessed; it does not tell which.
//! So the landing pad continues with a string instruction after the last byte that is known to be
//! stored. That instruction stops at the exact byte. If the memory is accessible again by then, the
//! copy or fill completes and there is no fault.
//!
//! A guard page, that of a stack included, raises only once, so it must not be accessed again. Then
//! the string instruction ends before the address of the exception, and the routine reports that
//! exception. If the address is unknown or outside the range, nothing more is moved; the count is
//! that of the bytes known to be stored.

/// Opens user memory again.
macro_rules! reopen {
    () => {
        lines![
            "test byte ptr [rip + {features}], {smap}",
            "jz 2f",
            "stac",
            "2:",
        ]
    };
}

/// Computes where the string instruction begins and ends: at offsets R10 and RAX. On entry RCX is the
/// record, R9 the length, and R10 the offset of the first byte that may not be stored. `base` loads
/// into RAX the start of the side that faulted, and changes nothing else.
macro_rules! offsets_to_resume {
    ($base:expr) => {
        lines![
            "cld",
            "mov r11, r9",
            "cmp dword ptr [rcx + {code}], 0x80000001", // STATUS_GUARD_PAGE_VIOLATION
            "je 3f",
            "cmp dword ptr [rcx + {code}], 0xC00000FD", // STATUS_STACK_OVERFLOW
            "jne 4f",
            "3:",
            $base,
            "mov r11, [rcx + {address}]",
            "sub r11, rax",
            "cmp r11, r9",
            "cmovae r11, r10",
            "cmp r11, r10",
            "cmovb r11, r10",
            "4:",
            "mov rax, r11",
        ]
    };
}
