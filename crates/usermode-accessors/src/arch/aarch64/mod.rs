//! 64-bit Arm, for Windows on Arm.
//!
//! The code builds. A test decodes its unwind data and compares it with the instructions. The
//! instructions run on Linux, with a signal handler that uses the same scopes in place of the
//! dispatcher. The code has not run on Windows, and the accesses to PSTATE.PAN have not run at all.
//!
//! Every guarded routine follows the procedure call standard, as Windows does. Only on Windows does it
//! have unwind data and a handler; on other systems a fault ends the process. No routine uses X18, which
//! belongs to the system, or a vector register.
//!
//! # The frame of a guarded routine
//!
//! | offset from X29 | content |
//! | --- | --- |
//! | +0 | X29 of the caller, and the return address: a link of the frame chain |
//! | +16 | X19 and X20 of the caller |
//! | +32 | after a fault: X0, the `Record`, and X1, the start of the access |
//! | +48 | after a fault: X3, for a length |
//! | +56 | PSTATE.PAN at entry |
//!
//! The filter gets the registers of the fault (`EXCEPTION_POINTERS::ContextRecord`). It writes the
//! record, and it stores the arguments in the frame. So a routine stores neither, and keeps X0, X1 and X3
//! while it accesses memory. This frame, X19, X20 and X29 survive the unwind. A landing pad uses nothing
//! else.
//!
//! The filter gets X29 of the routine in X1. The establisher frame would be the stack pointer at the
//! entry of the routine. Clang's filters use X29, and Wine's `__C_specific_handler` passes it.
//!
//! # Speculation
//!
//! First, a routine replaces a user address above the user limit by the limit, with `CSEL`; `CSDB` keeps
//! the processor from predicting the result. The portable files have checked the range, but the
//! processor may predict that check wrongly, and run the routine with any address until it notices. So
//! what the routine then loads, and could leak through a cache, is not kernel memory.
//!
//! # Blocks, and an exact count
//!
//! A copy moves 16 or 64 bytes at a time with pairs of registers. After a fault of a block, the first
//! landing pad is a loop that moves the block byte by byte, under the second scope. It stops at the
//! exact byte that cannot be moved. It overwrites what the block stored before its fault. So a page that
//! another thread closes in between may hold more than is counted.
//!
//! A guard page, that of a stack included, raises only once, so it must not be accessed again. Then the
//! loop ends before that page, and the routine reports that exception. The address of the exception
//! gives the page. If it is unknown or outside the range, nothing more is moved.
//!
//! # Privileged Access Never
//!
//! PSTATE.PAN has the part of SMAP on x86-64. The overview of the accessors names it, but it is not
//! documented whether Windows sets it while a driver runs. In the kernel of a processor with this bit, a
//! routine clears it for the access, and again for the bytes after a fault, and then restores it. If the
//! bit was clear, user memory was open, and stays open. A routine for kernel memory leaves it. PAN does not stop `LDTR` and `STTR`, but they exist neither in
//! pairs, nor with ordering, nor exclusive, so they cannot serve all routines.
//!
//! Source: "ARM64 exception handling", "Overview of ARM64 ABI conventions", Microsoft C++
//! documentation; "`ARM64_NT_CONTEXT` structure", Win32 documentation; Arm Architecture Reference Manual for A-profile.

#[cfg(any(windows, all(test, target_os = "linux")))]
use core::{arch::global_asm, mem::offset_of};

use super::{
    Trap,
    record::{FAULTED, Record},
};
use crate::probe::USER_LIMIT;

/// Emits the scopes for the signal handler of the tests on Linux.
#[cfg(all(test, target_os = "linux"))]
macro_rules! on_linux_tests {
    ($(($begin:expr, $end:expr, $landing:expr)),*) => {
        lines![
            ".pushsection usermode_accessors_scopes, \"aw\"",
            $(
                concat!(".quad ", $begin),
                concat!(".quad ", $end),
                concat!(".quad ", $landing),
            )*
            ".popsection"
        ]
    };
}

#[cfg(not(all(test, target_os = "linux")))]
macro_rules! on_linux_tests {
    ($($scope:tt),*) => {
        ""
    };
}

/// Defines a guarded routine. Its `memory` is `user` memory, which is opened for it, or `kernel` memory.
/// `clamp` clamps the user addresses. `setup` moves the arguments to the registers of `access`; X9 and
/// X10 may be overwritten. `access` is the only code under guard. `done` follows it, `faulted` follows a
/// fault, and then `result` computes X0. X0, X1 and X3 are those at the entry for all of them.
///
/// With `resume`, the end of `access` and a fault of it lead to `resume`. That moves the rest byte by
/// byte, also under guard. After a fault, `recover` restores the registers first. Then, after a fault of
/// a guard page, `guard` makes the bytes end before that page. The frame uses the numbered labels up to
/// 4.
macro_rules! guarded_routine {
    (
        $name:literal,
        memory: $memory:ident,
        clamp: $clamp:expr,
        setup: [$($setup:expr),*],
        access: $access:expr,
        done: [$($done:literal),*],
        faulted: [$($faulted:literal),*],
        result: [$($result:expr),*]
        $(,)?
    ) => {
        guarded_routine!(
            @ $name,
            $memory,
            $clamp,
            [$($setup),*],
            lines![
                concat!(".Laccess_", $name, ":"),
                $access,
                concat!(".Lend_", $name, ":"),
            ],
            [$($done),*],
            [$($faulted),*],
            [$($result),*],
            [(
                concat!(".Laccess_", $name),
                concat!(".Lend_", $name),
                concat!(".Llanding_", $name)
            )]
        );
    };
    (
        $name:literal,
        memory: $memory:ident,
        clamp: $clamp:expr,
        setup: [$($setup:expr),*],
        access: $access:expr,
        recover: [$($recover:literal),*],
        guard: $guard:expr,
        resume: $resume:expr,
        result: [$($result:expr),*],
        operands: [$($operand:ident = $value:expr),* $(,)?]
        $(,)?
    ) => {
        guarded_routine!(
            @ $name,
            $memory,
            $clamp,
            [$($setup),*],
            lines![
                concat!(".Laccess_", $name, ":"),
                $access,
                concat!("b .Lresume_", $name),
                concat!(".Lrecover_", $name, ":"),
                // The value of PAN depends on the dispatcher.
                open!($memory, ""),
                arguments!(),
                $($recover,)*
                "ldr w9, [x0, #{code}]",
                "movz w10, #0x8000, lsl #16",
                "add w10, w10, #1", // STATUS_GUARD_PAGE_VIOLATION
                "cmp w9, w10",
                "b.eq 3f",
                "movz w10, #0xC000, lsl #16",
                "add w10, w10, #0xFD", // STATUS_STACK_OVERFLOW
                "cmp w9, w10",
                "b.ne 2f",
                "3:",
                $guard,
                "2:",
                concat!(".Lresume_", $name, ":"),
                $resume,
                concat!(".Lend_", $name, ":"),
            ],
            [],
            [],
            [$($result),*],
            [
                (
                    concat!(".Laccess_", $name),
                    concat!(".Lrecover_", $name),
                    concat!(".Lrecover_", $name)
                ),
                (
                    concat!(".Lresume_", $name),
                    concat!(".Lend_", $name),
                    concat!(".Llanding_", $name)
                )
            ],
            $($operand = $value,)*
        );
    };
    (
        @ $name:literal,
        $memory:ident,
        $clamp:expr,
        [$($setup:expr),*],
        $guarded:expr,
        [$($done:literal),*],
        [$($faulted:literal),*],
        [$($result:expr),*],
        [$($scope:tt),*]
        $(, $operand:ident = $value:expr)*
        $(,)?
    ) => {
        global_asm!(
            begin!($name, handled),
            "stp x29, x30, [sp, #-64]!",
            on_windows!(".seh_save_fplr_x 64"),
            "stp x19, x20, [sp, #16]",
            on_windows!(".seh_save_regp x19, 16"),
            "mov x29, sp",
            on_windows!(".seh_set_fp"),
            on_windows!(".seh_endprologue"),
            $clamp,
            open!($memory, lines![concat!("mrs x9, ", pan!()), "str x9, [x29, #56]"]),
            $($setup,)*
            $guarded,
            $($done,)*
            "b 1f",
            concat!(".Llanding_", $name, ":"),
            arguments!(),
            $($faulted,)*
            "1:",
            // After an unwind the value of PAN depends on the dispatcher, so restore it.
            restore!($memory),
            $($result,)*
            on_windows!(".seh_startepilogue"),
            "ldp x19, x20, [sp, #16]",
            on_windows!(".seh_save_regp x19, 16"),
            "ldp x29, x30, [sp], #64",
            on_windows!(".seh_save_fplr_x 64"),
            on_windows!(".seh_endepilogue"),
            "ret",
            end!($name, "usermode_accessors_filter", [$($scope),*]),
            on_linux_tests!($($scope),*),
            "// {pan_state} {limit} {code} {faulted}", // so that no operand is left over
            pan_state = sym processor::PAN_STATE,
            limit = sym USER_LIMIT,
            code = const offset_of!(Record, code),
            faulted = const FAULTED,
            $($operand = const $value,)*
        );
    };
}

/// Restores the arguments that the filter has stored.
macro_rules! arguments {
    () => {
        lines!["ldp x0, x1, [x29, #32]", "ldr x3, [x29, #48]"]
    };
}

/// Opens user memory, after `keep`, if a processor can close it.
macro_rules! open {
    (kernel, $keep:expr) => {
        ""
    };
    (user, $keep:expr) => {
        lines![
            "adrp x9, {pan_state}",
            "ldrb w9, [x9, :lo12:{pan_state}]",
            "tbz w9, #1, 2f",
            $keep,
            concat!("msr ", pan!(), ", xzr"),
            "2:",
        ]
    };
}

/// Restores PSTATE.PAN.
macro_rules! restore {
    (kernel) => {
        ""
    };
    (user) => {
        lines![
            "adrp x9, {pan_state}",
            "ldrb w9, [x9, :lo12:{pan_state}]",
            "tbz w9, #1, 4f",
            "ldr x9, [x29, #56]",
            concat!("msr ", pan!(), ", x9"),
            "4:",
        ]
    };
}

/// Clamps user addresses to the user limit. Changes X9.
macro_rules! clamp {
    ($($address:literal),*) => {
        lines![
            "adrp x9, {limit}",
            "ldr x9, [x9, :lo12:{limit}]",
            $(
                concat!("cmp ", $address, ", x9"),
                concat!("csel ", $address, ", x9, ", $address, ", hi"),
            )*
            "hint #20", // CSDB
        ]
    };
}

/// Clamps as [`clamp`] does, and the length in X3, so that the end is at most the user limit. Changes X9
/// and X10.
macro_rules! clamp_range {
    ($($address:literal),*) => {
        lines![
            "adrp x9, {limit}",
            "ldr x9, [x9, :lo12:{limit}]",
            $(
                concat!("cmp ", $address, ", x9"),
                concat!("csel ", $address, ", x9, ", $address, ", hi"),
                concat!("sub x10, x9, ", $address),
                "cmp x3, x10",
                "csel x3, x10, x3, hi",
            )*
            "hint #20", // CSDB
        ]
    };
}

/// Defines a guarded routine that moves a number, all of it or nothing, with the number in X19. It
/// returns the number, `narrow` or `wide`, by the rules of [`FAULTED`].
macro_rules! number_routine {
    ($name:literal, $memory:ident, $clamp:expr, narrow, $access:expr) => {
        number_routine!(@ $name, $memory, $clamp, $access, []);
    };
    ($name:literal, $memory:ident, $clamp:expr, wide, $access:expr) => {
        number_routine!(@ $name, $memory, $clamp, $access, [
            "mov x9, #{faulted}",
            "cmp x19, x9",
            "b.ne 1f",
            "str wzr, [x0, #{code}]"
        ]);
    };
    (@ $name:literal, $memory:ident, $clamp:expr, $access:expr, $done:tt) => {
        guarded_routine!(
            $name,
            memory: $memory,
            clamp: $clamp,
            setup: [],
            access: $access,
            done: $done,
            faulted: ["mov x19, #{faulted}"],
            result: ["mov x0, x19"],
        );
    };
}

/// PSTATE.PAN by its encoding: an assembler knows the name only with a feature enabled.
macro_rules! pan {
    () => {
        "s3_0_c4_c2_3"
    };
}

mod backward;
mod forward;
mod interlocked;
mod nontemporal;
mod processor;
mod raising;
mod scalar;
mod string;

pub(crate) use backward::copy_backward;
pub(crate) use forward::copy as copy_upward;
pub(crate) use forward::{copy, fill};
pub(crate) use nontemporal::copy_nontemporal;
pub(crate) use processor::{fast_fail, is_kernel};
pub(crate) use scalar::{
    guarded_read_acquire, guarded_write_release, read, read_acquire, write, write_release,
};
pub(crate) use string::{guarded_scan, scan};

pub(super) use processor::{pan_is_there as user_memory_can_be_closed, prepare};

// The filter of every guarded routine: X0 = EXCEPTION_POINTERS *, X1 = X29 of the routine.
// It takes the exceptions that an access to memory raises, and no other. The documentation of the
// crate lists them with their source. It does not take a breakpoint or a single step, so those are
// not hidden.
#[cfg(any(windows, all(test, target_os = "linux")))]
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_filter",
    "usermode_accessors_filter:",
    "ldr x8, [x0]",
    "ldr w9, [x8, #{exception_code}]",
    "movz w10, #0xC000, lsl #16",
    "add w11, w10, #5", // STATUS_ACCESS_VIOLATION
    "cmp w9, w11",
    "b.eq 2f",
    "add w11, w10, #6", // STATUS_IN_PAGE_ERROR
    "cmp w9, w11",
    "b.eq 2f",
    "add w11, w10, #0xFD", // STATUS_STACK_OVERFLOW
    "cmp w9, w11",
    "b.eq 2f",
    "movz w10, #0x8000, lsl #16",
    "add w11, w10, #1", // STATUS_GUARD_PAGE_VIOLATION
    "cmp w9, w11",
    "b.eq 2f",
    "add w11, w10, #2", // STATUS_DATATYPE_MISALIGNMENT
    "cmp w9, w11",
    "b.eq 2f",
    "mov w0, #0", // EXCEPTION_CONTINUE_SEARCH
    "ret",
    "2:",
    // The frame, for the landing pad.
    "ldr x14, [x0, #8]",
    "ldr x10, [x14, #{context_x0}]",
    "ldr x11, [x14, #{context_x1}]",
    "stp x10, x11, [x1, #32]",
    "ldr x11, [x14, #{context_x3}]",
    "str x11, [x1, #48]",
    "str w9, [x10, #{code}]",
    // The exception may have fewer parameters.
    "mov x11, #-1",
    "mov x12, #-1",
    "mov x13, #-1",
    "ldr w9, [x8, #{number_parameters}]",
    "cmp w9, #2",
    "b.lo 3f",
    "ldr x11, [x8, #{exception_information}]",
    "ldr x12, [x8, #{exception_information} + 8]",
    "cmp w9, #3",
    "b.lo 3f",
    "ldr x13, [x8, #{exception_information} + 16]",
    "3:",
    "str x11, [x10, #{kind}]",
    "str x12, [x10, #{address}]",
    "str x13, [x10, #{cause}]",
    "mov w0, #1", // EXCEPTION_EXECUTE_HANDLER
    "ret",
    context_x0 = const 0x08,
    context_x1 = const 0x10,
    context_x3 = const 0x20,
    exception_code = const 0x00,
    number_parameters = const 0x18,
    exception_information = const 0x20,
    code = const offset_of!(Record, code),
    kind = const offset_of!(Record, kind),
    address = const offset_of!(Record, address),
    cause = const offset_of!(Record, cause),
);

#[cfg(all(test, target_os = "linux"))]
mod tests;
