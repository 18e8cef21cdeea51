//! How a fast copy or fill resumes after a fault: byte by byte, to move all bytes before the one that
//! faults.
//!
//! A fault of a wide access means that one of its bytes cannot be accessed. The address of the fault is
//! in the page of that byte: else no system could bring pages in by it. So the landing pad continues with
//! a string instruction, from the first byte that may not be stored up to that page. The first byte of
//! the range in the page is the one that is reported. The page is not accessed again: a fault costs one
//! exception, and a guard page, that of a stack included, raises only once.
//!
//! If the address is unknown or outside the range, the string instruction runs up to the byte that stops
//! it, unless the exception was that of a guard page. A misaligned access is made again in single bytes.
//! In both cases the copy or fill may complete, and then there is no fault.
//!
//! Source: "Page-Fault Exception (#PF)", Intel 64 and IA-32 Architectures Software Developer's Manual;
//! "`EXCEPTION_RECORD` structure", Win32 documentation.

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
/// into RAX the start of the side that faulted, and changes nothing else. Changes R11.
macro_rules! offsets_to_resume {
    ($base:expr) => {
        lines![
            "cld",
            "cmp dword ptr [rcx + {code}], 0x80000002", // STATUS_DATATYPE_MISALIGNMENT
            "je 4f",
            $base,
            "mov r11, [rcx + {address}]",
            "sub r11, rax",
            "cmp r11, r9",
            "jae 3f",
            "add r11, rax",
            "and r11, -4096",
            "sub r11, rax",
            "cmovb r11, r10", // The page begins before the range.
            "cmp r11, r10",
            "cmovb r11, r10",
            "add rax, r11",
            "mov [rcx + {address}], rax",
            "jmp 5f",
            "3:",
            "mov r11, r10",
            "cmp dword ptr [rcx + {code}], 0x80000001", // STATUS_GUARD_PAGE_VIOLATION
            "je 5f",
            "cmp dword ptr [rcx + {code}], 0xC00000FD", // STATUS_STACK_OVERFLOW
            "je 5f",
            "4:",
            "mov r11, r9",
            "5:",
            "mov rax, r11",
        ]
    };
}
