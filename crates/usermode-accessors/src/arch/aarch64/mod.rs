//! 64-bit Arm, for Windows on Arm.
//!
//! Built, its unwind data decoded and checked by a test, its instructions run on Linux, where a
//! signal handler that goes by the same scopes stands in for the dispatcher. It has not run on
//! Windows, and the accesses to PSTATE.PAN have not run at all.
//!
//! Every routine is written once and follows the procedure call standard, which Windows shares; Rust
//! is told so, and hence knows which registers it may spoil. Only on Windows does it carry unwind data
//! and a handler; elsewhere a fault ends the process. No routine touches X18, which is the system's, or a
//! vector register.
//!
//! # The frame of a guarded routine
//!
//! | from X29 | what |
//! | --- | --- |
//! | +0 | the caller's X29, and the return address: a link of the frame chain |
//! | +16 | the caller's X19 and X20 |
//! | +32 | the `Record`, where the filter finds it, and where the access starts |
//! | +48 | the fourth argument, for a length |
//! | +56 | PSTATE.PAN at entry |
//!
//! A landing pad relies on this frame, X19, X20 and X29 alone: those survive the unwind.
//!
//! The filter is given X29 of the routine in X1. That is not the establisher frame, which is the stack
//! pointer at the routine's entry; it is what Clang's filters count from and what Wine's
//! `__C_specific_handler` passes.
//!
//! # Blocks, and an exact count
//!
//! A copy moves 16 and 64 bytes at a time with pairs of registers. Where a block meets a page that
//! is not there, the first landing pad is a loop that does the block again byte by byte, under the
//! second scope entry, and so stops at the very byte that cannot be moved. A pair that was stored
//! in part is overwritten by that loop as far as it had come.
//!
//! A guard page, that of a stack among them, is there for one fault only, so it must not be tried
//! resume: then the loop ends in front of it, and the exception stays what the routine reports. Where the
//! page is, tells the exception; if it names no address inside the range, nothing is moved any more.
//!
//! # Privileged Access Never
//!
//! PSTATE.PAN is to this processor what SMAP is to x86-64. Whether Windows sets it while a driver
//! runs is not documented; that it may is: the accessors' overview names it. So the routine does as
//! it does there: in the kernel of a processor that has the bit, it opens user memory for the
//! access and puts the bit back to what it was, after a fault too. If the bit was clear, user
//! memory was open, and stays so. `LDTR` and `STTR`, which PAN does not stop, come neither in
//! pairs nor with ordering nor exclusively, so they could not serve all routines.
//!
//! Source: "ARM64 exception handling", "Overview of ARM64 ABI conventions", Microsoft C++
//! documentation; Arm Architecture Reference Manual for A-profile.

#[cfg(any(windows, all(test, target_os = "linux")))]
use core::{arch::global_asm, mem::offset_of};

use super::Trap;
use processor::pan_is_there;

/// What the routine and its filter tell the caller, and the caller the routine.
#[repr(C)]
pub(super) struct Record {
    /// The exception code, or 0 for none. No exception that the filter takes has code 0.
    code: u32,
    /// Not 0: PSTATE.PAN exists here and must be clear for the access.
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

/// The scopes again, for the tests on Linux, whose signal handler goes by them.
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

/// A guarded routine. `setup` moves arguments to where `access` wants them; the record is in X0, and
/// X0, X9 and X10 may be overwritten. `access` is the only code under guard. `result` computes X0.
///
/// With `resume`, a fault of `access` leads to that, which does byte by byte, also under guard, what
/// `access` left to do; so does its end. In front of it, `recover` puts back what the fault has
/// spoiled; then, if the fault was of a guard page, `guard` has the bytes end there. The record is in
/// X0 for both. Numbered labels up to 4 are the frame's own.
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
                // If what faulted is there by now, there was no fault.
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
            // What PAN is after an unwind depends on the dispatcher: set it to what it was.
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

/// PSTATE.PAN by its encoding: an assembler knows the name only if told that the processor has it.
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
// A block is loaded whole before it is stored, so that the copy may go over its own source.
pub(crate) use super::bulk::guarded_copy as guarded_copy_upward;
pub(crate) use forward::copy as copy_upward;
pub(crate) use nontemporal::copy_nontemporal;
pub(crate) use processor::fast_fail;
pub(crate) use scalar::{
    guarded_read_acquire, guarded_write_release, read, read_acquire, write, write_release,
};
pub(crate) use string::{guarded_scan, scan};

pub(super) use processor::pan_is_there as user_memory_can_be_closed;

/// How many bytes a routine has moved that copies or fills forward: it returns the number itself.
#[inline]
pub(super) const fn moved(answer: usize, _length: usize) -> usize {
    answer
}

// The filter of every guarded routine: X0 = EXCEPTION_POINTERS *, X1 = X29 of the routine.
// It takes the exceptions that touching memory raises, and no other; the crate's page says which
// these are, and by what source. A breakpoint or a single step is left to the handlers above, so that
// a bug stays a bug.
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
    // A routine may fault twice, and the second may know less than the first.
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
