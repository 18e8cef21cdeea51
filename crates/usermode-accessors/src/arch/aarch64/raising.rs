//! A guarded call of foreign code that may raise.
//!
//! | offset from X29 | content |
//! | --- | --- |
//! | +0 | X29 of the caller, and the return address |
//! | +16 | the [`Raised`], where the filter finds it |
//! | +24 | PSTATE.PAN at entry, if it exists |
//! | +32 | whether to restore PSTATE.PAN |
//!
//! The frame keeps nothing in registers, and the unwind restores all registers that survive a call.
//! PSTATE.PAN is not restored, so the landing pad restores it.

use core::arch::global_asm;
#[cfg(windows)]
use core::mem::offset_of;

#[cfg(windows)]
use crate::arch::{PARAMETERS, Raised};

global_asm!(
    begin!("usermode_accessors_call", handled),
    "stp x29, x30, [sp, #-48]!",
    on_windows!(".seh_save_fplr_x 48"),
    "mov x29, sp",
    on_windows!(".seh_set_fp"),
    on_windows!(".seh_endprologue"),
    "str x0, [x29, #16]",
    "str x3, [x29, #32]",
    "cbz x3, 2f",
    concat!("mrs x9, ", pan!()),
    "str x9, [x29, #24]",
    "2:",
    "mov x9, x1",
    "mov x10, x2",
    // The ninth and the tenth argument are at the stack pointer during the call.
    "sub sp, sp, #16",
    "ldp x11, x12, [x10, #64]",
    "stp x11, x12, [sp]",
    "ldp x0, x1, [x10]",
    "ldp x2, x3, [x10, #16]",
    "ldp x4, x5, [x10, #32]",
    "ldp x6, x7, [x10, #48]",
    ".Laccess_call:",
    "blr x9",
    // A dispatcher may look up the return address of the call, so it must be inside the scope.
    "nop",
    ".Llanding_call:",
    "mov sp, x29",
    "ldr x9, [x29, #32]",
    "cbz x9, 4f",
    "ldr x9, [x29, #24]",
    concat!("msr ", pan!(), ", x9"),
    "4:",
    on_windows!(".seh_startepilogue"),
    "ldp x29, x30, [sp], #48",
    on_windows!(".seh_save_fplr_x 48"),
    on_windows!(".seh_endepilogue"),
    "ret",
    end!(
        "usermode_accessors_call",
        "usermode_accessors_call_filter",
        [(".Laccess_call", ".Llanding_call", ".Llanding_call")]
    ),
);

// X0 = EXCEPTION_POINTERS *, X1 = X29 of the routine. Takes every exception.
#[cfg(windows)]
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_call_filter",
    "usermode_accessors_call_filter:",
    "ldr x0, [x0]",
    "ldr x1, [x1, #16]",
    "mov w8, #1",
    "str w8, [x1, #{any}]",
    "ldr w8, [x0, #0x00]", // ExceptionCode
    "str w8, [x1, #{code}]",
    "ldr w8, [x0, #0x04]", // ExceptionFlags
    "str w8, [x1, #{flags}]",
    "ldr x8, [x0, #0x10]", // ExceptionAddress
    "str x8, [x1, #{address}]",
    "ldr w8, [x0, #0x18]", // NumberParameters
    "str w8, [x1, #{count}]",
    "mov w9, #{limit}",
    "cmp w8, w9",
    "csel w8, w8, w9, ls",
    "add x0, x0, #0x20", // ExceptionInformation
    "add x1, x1, #{parameters}",
    "6:",
    "cbz w8, 7f",
    "ldr x9, [x0], #8",
    "str x9, [x1], #8",
    "sub w8, w8, #1",
    "b 6b",
    "7:",
    "mov w0, #1", // EXCEPTION_EXECUTE_HANDLER
    "ret",
    any = const offset_of!(Raised, any),
    code = const offset_of!(Raised, code),
    flags = const offset_of!(Raised, flags),
    address = const offset_of!(Raised, address),
    count = const offset_of!(Raised, count),
    parameters = const offset_of!(Raised, parameters),
    limit = const PARAMETERS,
);
