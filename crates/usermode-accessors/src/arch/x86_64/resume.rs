//! What a fast copy or fill does after a fault: it goes on byte by byte, to find the very byte.
//!
//! A fault of a wide access tells that one of its bytes cannot be accessed, not which. So the
//! landing pad leaves it to a string instruction, from the last byte on that is known to have
//! arrived: that stops at the byte. If the memory has come back meanwhile, there was no fault.
//!
//! A guard page, that of a stack among them, is there for one fault only, so it must not be tried
//! again: then the string instruction ends in front of the address that the exception names, and
//! the exception stays what the routine reports. Where the exception names no address inside the
//! range, nothing is moved any more; the count is then of what is known to have arrived.

/// Falls through with R10 and R11 as the offsets where the string instruction begins and ends, if
/// on entry RCX is the record, R9 the length and R10 the offset of the first byte that may not
/// have arrived. `base` puts into RAX where the side begins that the exception is about; it may
/// change nothing else.
macro_rules! offsets_to_go_on {
    ($base:expr) => {
        lines![
            "cld",
            "test byte ptr [rcx + {processor}], {smap}",
            "jz 2f",
            "stac",
            "2:",
            "mov r11, r9",
            "cmp dword ptr [rcx + {code}], 0x80000001", // STATUS_GUARD_PAGE_VIOLATION
            "je 3f",
            "cmp dword ptr [rcx + {code}], 0xC00000FD", // STATUS_STACK_OVERFLOW
            "je 3f",
            "mov dword ptr [rcx + {code}], 0",
            "jmp 4f",
            "3:",
            $base,
            "mov r11, [rcx + {address}]",
            "sub r11, rax",
            "cmp r11, r9",
            "cmovae r11, r10",
            "cmp r11, r10",
            "cmovb r11, r10",
            "4:",
        ]
    };
}
