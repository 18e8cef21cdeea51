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
//! | +32 | the `Record`, where the filter finds it, and the start of the access |
//! | +48 | the fourth argument, for a length |
//! | +56 | PSTATE.PAN at entry |
//!
//! This frame, X19, X20 and X29 survive the unwind. A landing pad uses nothing else.
//!
//! The filter gets X29 of the routine in X1. The establisher frame would be the stack pointer at the
//! entry of the routine. Clang's filters use X29, and Wine's `__C_specific_handler` passes it.
//!
//! # Blocks, and an exact count
//!
//! A copy moves 16 or 64 bytes at a time with pairs of registers. After a fault of a block, the first
//! landing pad is a loop that moves the block byte by byte, under the second scope. It stops at the
//! exact byte that cannot be moved. It overwrites a pair that was stored in part.
//!
//! A guard page, that of a stack included, raises only once, so it must not be accessed again. Then the
//! loop ends before that page, and the routine reports that exception. The address of the exception
//! gives the page. If it is unknown or outside the range, nothing more is moved.
//!
//! # Privileged Access Never
//!
//! PSTATE.PAN has the part of SMAP on x86-64. The overview of the accessors names it, but it is not
//! documented whether Windows sets it while a driver runs. In the kernel of a processor with this bit, a
//! routine clears it for the access, and then restores it, also after a fault. If the bit was clear,
//! user memory was open, and stays open. PAN does not stop `LDTR` and `STTR`, but they exist neither in
//! pairs, nor with ordering, nor exclusive, so they cannot serve all routines.
//!
//! Source: "ARM64 exception handling", "Overview of ARM64 ABI conventions", Microsoft C++
//! documentation; Arm Architecture Reference Manual for A-profile.

#[cfg(any(windows, all(test, target_os = "linux")))]
use core::{arch::global_asm, mem::offset_of};

use super::Trap;
use processor::pan_is_there;

/// What a guarded routine and its filter exchange with the caller.
#[repr(C)]
pub(super) struct Record {
    /// The exception code, or 0 for none. No exception that the filter takes has code 0.
    code: u32,
    /// Not 0 if PSTATE.PAN exists and must be clear for the access.
    open_window: u32,
    kind: usize,
    address: usize,
    cause: usize,
}

impl Record {
    pub(super) fn new() -> Self {
        Self::of(u32::from(pan_is_there()))
    }

    /// For kernel memory: user memory stays closed.
    pub(super) const fn closed() -> Self {
        Self::of(0)
    }

    const fn of(open_window: u32) -> Self {
        Self {
            code: 0,
            open_window,
            kind: Trap::UNKNOWN,
            address: Trap::UNKNOWN,
            cause: Trap::UNKNOWN,
        }
    }

    pub(super) const fn result(&self, copied: usize) -> Result<(), Trap> {
        if self.code == 0 {
            return Ok(());
        }
        Err(Trap {
            code: self.code,
            kind: self.kind,
            address: self.address,
            cause: self.cause,
            copied,
        })
    }
}

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

/// Defines a guarded routine. `setup` moves the arguments to the registers of `access`; the record is in
/// X0, and X0, X9 and X10 may be overwritten. `access` is the only code under guard. `result` computes
/// X0.
///
/// With `resume`, the end of `access` and a fault of it lead to `resume`. That moves the rest byte by
/// byte, also under guard. After a fault, `recover` restores the registers first. Then, after a fault of
/// a guard page, `guard` makes the bytes end before that page. The record is in X0 for both. The frame
/// uses the numbered labels up to 4.
macro_rules! guarded_routine {
    ($name:literal, setup: [$($setup:literal),*], access: $access:expr, result: [$($result:literal),*]) => {
        guarded_routine!(
            @ $name,
            [$($setup),*],
            lines![
                concat!(".Laccess_", $name, ":"),
                $access,
                concat!(".Llanding_", $name, ":"),
            ],
            [$($result),*],
            [(
                concat!(".Laccess_", $name),
                concat!(".Llanding_", $name),
                concat!(".Llanding_", $name)
            )]
        );
    };
    (
        $name:literal,
        setup: [$($setup:literal),*],
        access: $access:expr,
        recover: [$($recover:literal),*],
        guard: $guard:expr,
        resume: $resume:expr,
        result: [$($result:literal),*],
        operands: [$($operand:ident = $value:expr),* $(,)?]
        $(,)?
    ) => {
        guarded_routine!(
            @ $name,
            [$($setup),*],
            lines![
                concat!(".Laccess_", $name, ":"),
                $access,
                concat!("b .Lresume_", $name),
                concat!(".Lrecover_", $name, ":"),
                "ldr x0, [x29, #32]",
                $($recover,)*
                "ldr w9, [x0, #{code}]",
                "movz w10, #0x8000, lsl #16",
                "add w10, w10, #1", // STATUS_GUARD_PAGE_VIOLATION
                "cmp w9, w10",
                "b.eq 3f",
                "movz w10, #0xC000, lsl #16",
                "add w10, w10, #0xFD", // STATUS_STACK_OVERFLOW
                "cmp w9, w10",
                "b.eq 3f",
                // If the memory is accessible again by then, there is no fault.
                "str wzr, [x0, #{code}]",
                concat!("b .Lresume_", $name),
                "3:",
                $guard,
                concat!(".Lresume_", $name, ":"),
                $resume,
                concat!(".Llanding_", $name, ":"),
            ],
            [$($result),*],
            [
                (
                    concat!(".Laccess_", $name),
                    concat!(".Lrecover_", $name),
                    concat!(".Lrecover_", $name)
                ),
                (
                    concat!(".Lresume_", $name),
                    concat!(".Llanding_", $name),
                    concat!(".Llanding_", $name)
                )
            ],
            code = offset_of!(Record, code),
            $($operand = $value,)*
        );
    };
    (
        @ $name:literal,
        [$($setup:literal),*],
        $guarded:expr,
        [$($result:literal),*],
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
            "stp x0, x1, [x29, #32]",
            "str x3, [x29, #48]",
            "ldr w9, [x0, #{open_window}]",
            "cbz w9, 2f",
            concat!("mrs x9, ", pan!()),
            "str x9, [x29, #56]",
            concat!("msr ", pan!(), ", xzr"),
            "2:",
            $($setup,)*
            $guarded,
            // After an unwind the value of PAN depends on the dispatcher, so restore it.
            "ldr x9, [x29, #32]",
            "ldr w9, [x9, #{open_window}]",
            "cbz w9, 4f",
            "ldr x9, [x29, #56]",
            concat!("msr ", pan!(), ", x9"),
            "4:",
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
            open_window = const offset_of!(Record, open_window),
            $($operand = const $value,)*
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
pub(crate) use forward::{copy, fill};
// A block is loaded before it is stored, so the copy may overwrite its own source.
pub(crate) use super::bulk::guarded_copy as guarded_copy_upward;
pub(crate) use forward::copy as copy_upward;
pub(crate) use nontemporal::copy_nontemporal;
pub(crate) use processor::{fast_fail, is_kernel};
pub(crate) use scalar::{
    guarded_read_acquire, guarded_write_release, read, read_acquire, write, write_release,
};
pub(crate) use string::{guarded_scan, scan};

pub(super) use processor::pan_is_there as user_memory_can_be_closed;

/// Returns how many bytes a copy or fill has moved forward: the routine returns this number itself.
#[inline]
pub(super) const fn moved(returned: usize, _length: usize) -> usize {
    returned
}

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
    "ldr x10, [x1, #32]",
    "str w9, [x10, #{code}]",
    // A routine may fault twice, and the second fault may have fewer parameters.
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
