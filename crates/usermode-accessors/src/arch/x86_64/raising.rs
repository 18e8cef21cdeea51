//! A guarded call of foreign code that may raise.
//!
//! | offset from RSP after the prologue | content |
//! | --- | --- |
//! | +0 | the home space of the callee for four register arguments |
//! | +32 | the fifth to the tenth argument |
//! | +80 | the [`Raised`]; the filter finds it through its establisher frame |
//! | +88 | whether to restore AC |
//! | +96 | RFLAGS at entry |
//!
//! The frame keeps nothing in registers, and the unwind restores all registers that survive a call.
//! RFLAGS are not restored, so the landing pad clears the direction flag and restores AC.

use core::arch::global_asm;
#[cfg(windows)]
use core::mem::offset_of;

use super::EFLAGS_AC;
#[cfg(windows)]
use crate::arch::{PARAMETERS, Raised};

/// Copies arguments from the array at R10 to the same offsets from RSP.
macro_rules! on_stack {
    ($($offset:literal),*) => {
        lines![$(
            concat!("mov r11, [r10 + ", $offset, "]"),
            concat!("mov [rsp + ", $offset, "], r11"),
        )*]
    };
}

global_asm!(
    begin!("usermode_accessors_call", handled),
    "pushfq",
    on_windows!(".seh_stackalloc 8"),
    "sub rsp, 96",
    on_windows!(".seh_stackalloc 96"),
    on_windows!(".seh_endprologue"),
    "mov [rsp + 80], rcx",
    "mov [rsp + 88], r9",
    "mov rax, rdx",
    "mov r10, r8",
    on_stack!(32, 40, 48, 56, 64, 72),
    "mov r9, [r10 + 24]",
    "mov r8, [r10 + 16]",
    "mov rdx, [r10 + 8]",
    "mov rcx, [r10]",
    ".Laccess_call:",
    "call rax",
    // A dispatcher looks up the return address of the call, so it must be inside the scope.
    "nop",
    ".Llanding_call:",
    "cld",
    "cmp qword ptr [rsp + 88], 0",
    "je 4f",
    "test dword ptr [rsp + 96], {ac}",
    "jnz 3f",
    "clac",
    "jmp 4f",
    "3:",
    "stac",
    "4:",
    "add rsp, 104",
    "ret",
    end!(
        "usermode_accessors_call",
        "usermode_accessors_call_filter",
        [(".Laccess_call", ".Llanding_call", ".Llanding_call")]
    ),
    ac = const EFLAGS_AC,
);

// RCX = EXCEPTION_POINTERS *, RDX = establisher frame. Takes every exception.
#[cfg(windows)]
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_call_filter",
    "usermode_accessors_call_filter:",
    "mov rcx, [rcx]",
    "mov rdx, [rdx + 80]",
    "mov dword ptr [rdx + {any}], 1",
    "mov eax, dword ptr [rcx + 0x00]", // ExceptionCode
    "mov dword ptr [rdx + {code}], eax",
    "mov eax, dword ptr [rcx + 0x04]", // ExceptionFlags
    "mov dword ptr [rdx + {flags}], eax",
    "mov rax, [rcx + 0x10]", // ExceptionAddress
    "mov [rdx + {address}], rax",
    "mov eax, dword ptr [rcx + 0x18]", // NumberParameters
    "mov dword ptr [rdx + {count}], eax",
    "cmp eax, {limit}",
    "jbe 6f",
    "mov eax, {limit}",
    "6:",
    "sub eax, 1",
    "jb 7f",
    "mov r8, [rcx + 0x20 + 8 * rax]", // ExceptionInformation
    "mov [rdx + {parameters} + 8 * rax], r8",
    "jmp 6b",
    "7:",
    "mov eax, 1", // EXCEPTION_EXECUTE_HANDLER
    "ret",
    any = const offset_of!(Raised, any),
    code = const offset_of!(Raised, code),
    flags = const offset_of!(Raised, flags),
    address = const offset_of!(Raised, address),
    count = const offset_of!(Raised, count),
    parameters = const offset_of!(Raised, parameters),
    limit = const PARAMETERS,
);
