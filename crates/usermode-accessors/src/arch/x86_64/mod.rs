//! x86-64.
//!
//! Every guarded routine follows Microsoft's x64 calling convention, on every system. After a fault
//! all volatile registers are undefined; Rust assumes the same of every call, so nothing is lost.
//! Only on Windows does a routine have unwind data and a handler. On other systems a fault ends the
//! process, and tests there use valid memory.
//!
//! # A guarded routine
//!
//! Its first argument is the [`Record`]. Where SMAP closes user memory to the kernel, the routine
//! jumps to its *opening* part. That part opens user memory, calls the routine after the jump, and
//! restores AC. Where SMAP is off, this costs one comparison.
//!
//! Only memory, RDI and RSI survive the unwind, so a routine keeps there what it needs after a fault.
//! The memory is the home space of the four register arguments, which the caller reserves above the
//! return address. Its first slot holds the record, for the filter: at offset 8 from the establisher
//! frame of a routine that pushes nothing, at 24 if it pushes RDI and RSI. A landing pad does not use
//! RAX, which may or may not hold the exception code; the filter has stored the code in the record.
//! The value of AC at a landing pad depends on the dispatcher. Code that accesses user memory from
//! there opens it again.
//!
//! Source: "x64 exception handling" and "x64 calling convention", Microsoft C++ documentation.

use core::mem::MaybeUninit;
#[cfg(windows)]
use core::{arch::global_asm, mem::offset_of};

use super::Trap;

/// What a guarded routine and its filter exchange with the caller.
#[repr(C)]
pub(super) struct Record {
    /// The exception code, or 0 for none. No exception that the filter takes has code 0.
    code: u32,
    /// Bits [`processor::SMAP`] and [`processor::STRINGS`].
    processor: u32,
    /// The filter writes the kind, the address and the cause together with the code.
    kind: MaybeUninit<usize>,
    address: MaybeUninit<usize>,
    cause: MaybeUninit<usize>,
}

impl Record {
    #[inline]
    pub(super) fn new() -> Self {
        Self::of(processor::features())
    }

    /// For kernel memory: user memory stays closed.
    #[inline]
    pub(super) fn closed() -> Self {
        Self::of(processor::features() & !processor::SMAP)
    }

    #[inline]
    const fn of(processor: u32) -> Self {
        Self {
            code: 0,
            processor,
            kind: MaybeUninit::uninit(),
            address: MaybeUninit::uninit(),
            cause: MaybeUninit::uninit(),
        }
    }

    #[inline]
    pub(super) const fn result(&self, copied: usize) -> Result<(), Trap> {
        if self.code == 0 {
            return Ok(());
        }
        Err(self.trap(copied))
    }

    #[cold]
    const fn trap(&self, copied: usize) -> Trap {
        Trap {
            code: self.code,
            // SAFETY: the code is not 0, so the filter has written this.
            kind: unsafe { self.kind.assume_init() },
            // SAFETY: as above.
            address: unsafe { self.address.assume_init() },
            // SAFETY: as above.
            cause: unsafe { self.cause.assume_init() },
            copied,
        }
    }
}

/// The prologue: `bare` pushes nothing, `pushed` pushes RDI and RSI.
macro_rules! prologue {
    (bare) => {
        on_windows!(".seh_endprologue")
    };
    (pushed) => {
        lines![
            "push rdi",
            on_windows!(".seh_pushreg rdi"),
            "push rsi",
            on_windows!(".seh_pushreg rsi"),
            on_windows!(".seh_endprologue"),
        ]
    };
}

/// Undoes the prologue `pushed`, before a return or a jump to another function.
macro_rules! epilogue {
    () => {
        lines!["pop rsi", "pop rdi"]
    };
}

/// Stores the record where the filter finds it.
macro_rules! keep_record {
    (bare) => {
        "mov [rsp + 8], rcx"
    };
    (pushed) => {
        "mov [rsp + 24], rcx"
    };
}

/// The filter for a prologue.
#[cfg(windows)]
macro_rules! filter {
    (bare) => {
        "usermode_accessors_filter"
    };
    (pushed) => {
        "usermode_accessors_filter_pushed"
    };
}

/// Defines a guarded routine and its opening part. The record is in RCX. `before` comes before the
/// prologue, `body` after it. The record is stored when `body` begins. `body` contains the return.
macro_rules! guarded_routine {
    (
        $name:expr,
        before: [$($before:expr),* $(,)?],
        prologue: $prologue:ident,
        body: [$($body:expr),* $(,)?],
        scopes: $scopes:tt
        $(, operands: [$($operand:ident = $value:expr),* $(,)?])?
        $(,)?
    ) => {
        global_asm!(
            begin!($name, handled),
            "test byte ptr [rcx + {processor}], {smap}",
            concat!("jnz .Lopened_", $name),
            concat!(".Lentry_", $name, ":"),
            $($before,)*
            prologue!($prologue),
            keep_record!($prologue),
            $($body,)*
            end!($name, filter!($prologue), $scopes),
            opened!($name),
            processor = const offset_of!(Record, processor),
            smap = const processor::SMAP,
            ac = const EFLAGS_AC,
            $($($operand = const $value,)*)?
        );
    };
}

/// The opening part of a routine: it sets AC, calls the routine, and restores AC.
macro_rules! opened {
    ($name:expr) => {
        lines![
            on_windows!(concat!(".seh_proc .Lopened_", $name)),
            concat!(".Lopened_", $name, ":"),
            "pushfq",
            on_windows!(".seh_stackalloc 8"),
            "sub rsp, 32",
            on_windows!(".seh_stackalloc 32"),
            on_windows!(".seh_endprologue"),
            // If AC is set already, a caller has opened user memory and relies on it.
            "test dword ptr [rsp + 32], {ac}",
            "jnz 2f",
            "stac",
            "2:",
            concat!("call .Lentry_", $name),
            // After an unwind the value of AC depends on the dispatcher, so restore it either way.
            "test dword ptr [rsp + 32], {ac}",
            "jnz 3f",
            "clac",
            "jmp 4f",
            "3:",
            "stac",
            "4:",
            "add rsp, 40",
            "ret",
            on_windows!(".seh_endproc"),
        ]
    };
}

/// Defines a guarded routine with a single access, which moves all bytes or none. It returns RAX, or 0
/// after a fault.
macro_rules! guarded_access {
    ($name:literal, setup: [$($setup:expr),* $(,)?], access: $access:expr) => {
        guarded_routine!(
            $name,
            before: [],
            prologue: bare,
            body: [
                $($setup,)*
                concat!(".Laccess_", $name, ":"),
                $access,
                concat!(".Lend_", $name, ":"),
                "ret",
                concat!(".Llanding_", $name, ":"),
                "xor eax, eax",
                "ret",
            ],
            scopes: [(
                concat!(".Laccess_", $name),
                concat!(".Lend_", $name),
                concat!(".Llanding_", $name)
            )],
        );
    };
}

#[macro_use]
mod resume;
#[macro_use]
mod stores;

mod backward;
mod copy;
mod fill;
mod interlocked;
mod nontemporal;
mod processor;
mod raising;
mod scalar;
mod string;

pub(crate) use backward::copy_backward;
pub(crate) use copy::{copy, copy_upward, guarded_copy_upward};
pub(crate) use fill::fill;
pub(crate) use nontemporal::copy_nontemporal;
pub(crate) use processor::{fast_fail, is_kernel};
pub(crate) use scalar::{
    guarded_read_acquire, guarded_write_release, read, read_acquire, write, write_release,
};
pub(crate) use string::{guarded_scan, scan};

// The routines that copy or fill forward return how many bytes are left at the end.
pub(super) use super::bulk::without_rest as moved;
pub(super) use processor::smap_is_on as user_memory_can_be_closed;

/// RFLAGS.AC, bit 18. In ring 0 under SMAP, it opens user memory.
const EFLAGS_AC: u32 = 1 << 18;

// The filter of every guarded routine: RCX = EXCEPTION_POINTERS *, RDX = establisher frame.
// It takes the exceptions that an access to memory raises, and no other. The documentation of the
// crate lists them with their source. It does not take a breakpoint or a single step, so those are
// not hidden.
#[cfg(windows)]
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_filter_pushed",
    "usermode_accessors_filter_pushed:",
    "add rdx, 16",
    ".globl usermode_accessors_filter",
    "usermode_accessors_filter:",
    "mov rax, [rcx]",
    "mov r8d, dword ptr [rax + {exception_code}]",
    "cmp r8d, 0xC0000005", // STATUS_ACCESS_VIOLATION
    "je 2f",
    "cmp r8d, 0xC0000006", // STATUS_IN_PAGE_ERROR
    "je 2f",
    "cmp r8d, 0x80000001", // STATUS_GUARD_PAGE_VIOLATION
    "je 2f",
    "cmp r8d, 0x80000002", // STATUS_DATATYPE_MISALIGNMENT
    "je 2f",
    "cmp r8d, 0xC00000FD", // STATUS_STACK_OVERFLOW
    "je 2f",
    "xor eax, eax", // EXCEPTION_CONTINUE_SEARCH
    "ret",
    "2:",
    "mov r9, [rdx + 8]",
    "mov dword ptr [r9 + {code}], r8d",
    // A routine that resumes after a fault may meet a second one, with fewer parameters.
    "mov qword ptr [r9 + {kind}], {unknown}",
    "mov qword ptr [r9 + {address}], {unknown}",
    "mov qword ptr [r9 + {cause}], {unknown}",
    "cmp dword ptr [rax + {number_parameters}], 2",
    "jb 3f",
    "mov r8, [rax + {exception_information}]",
    "mov [r9 + {kind}], r8",
    "mov r8, [rax + {exception_information} + 8]",
    "mov [r9 + {address}], r8",
    "cmp dword ptr [rax + {number_parameters}], 3",
    "jb 3f",
    "mov r8, [rax + {exception_information} + 16]",
    "mov [r9 + {cause}], r8",
    "3:",
    "mov eax, 1", // EXCEPTION_EXECUTE_HANDLER
    "ret",
    exception_code = const 0x00,
    number_parameters = const 0x18,
    exception_information = const 0x20,
    code = const offset_of!(Record, code),
    kind = const offset_of!(Record, kind),
    address = const offset_of!(Record, address),
    cause = const offset_of!(Record, cause),
    unknown = const -1,
);

const _: () = assert!(Trap::UNKNOWN == usize::MAX);

#[cfg(all(test, windows))]
mod tests;
