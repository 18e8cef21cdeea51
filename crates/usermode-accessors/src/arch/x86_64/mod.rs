//! x86-64.
//!
//! Every guarded routine follows Microsoft's x64 calling convention, on every system. After a fault
//! all volatile registers are undefined; Rust assumes the same of every call, so nothing is lost.
//! Only on Windows does a routine have unwind data and a handler. On other systems a fault ends the
//! process, and tests there use valid memory.
//!
//! # A guarded routine
//!
//! Its first argument is the [`Record`], which is uninitialised. Without a fault, a routine stores
//! nothing but the bytes that it moves. The filter gets the registers of the fault
//! (`EXCEPTION_POINTERS::ContextRecord`). It writes the record, and it stores the arguments where the
//! landing pad finds them. So the routine keeps the record and the arguments in their registers while
//! it accesses memory.
//!
//! First, the routine clamps the user address: see [`clamp`]. Where SMAP closes user memory to the
//! kernel, the routine then jumps to its *opening* part. That part opens user memory, calls the routine
//! after the jump, and restores AC. Where SMAP is off, this costs one comparison. A routine whose name
//! ends in `closed` accesses kernel memory: it does neither.
//!
//! Only memory, RDI and RSI survive the unwind, so a routine keeps there what changes before a fault.
//! The memory is the home space of the four register arguments, which the caller reserves above the
//! return address. The first slot is at offset 8 from the establisher frame of a routine that pushes
//! nothing, at 24 if it pushes RDI and RSI. A landing pad does not use RAX, which may or may not hold
//! the exception code; the filter has stored the code in the record. The value of AC at a landing pad
//! depends on the dispatcher. Code that accesses user memory from there opens it again.
//!
//! Source: "x64 exception handling", "x64 calling convention", Microsoft C++ documentation;
//! "`EXCEPTION_POINTERS` structure", "`CONTEXT` structure", Win32 documentation.

#[cfg(windows)]
use core::{arch::global_asm, mem::offset_of};

use super::{
    Trap,
    record::{FAULTED, Record},
};
use crate::probe::USER_LIMIT;

/// The prologue: `bare` and `bare_r11` push nothing, `pushed` pushes RDI and RSI.
macro_rules! prologue {
    (bare) => {
        on_windows!(".seh_endprologue")
    };
    (bare_r11) => {
        prologue!(bare)
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

/// Moves the record to where the filter finds it: `bare` leaves it in RCX, the others need RCX.
macro_rules! keep_record {
    (bare) => {
        ""
    };
    ($prologue:ident) => {
        "mov r11, rcx"
    };
}

/// The filter for a prologue.
#[cfg(windows)]
macro_rules! filter {
    (bare) => {
        "usermode_accessors_filter"
    };
    (bare_r11) => {
        "usermode_accessors_filter_r11"
    };
    (pushed) => {
        "usermode_accessors_filter_pushed"
    };
}

/// Replaces a user address above the user limit by the limit, without a branch. Changes RAX.
///
/// `CMOVAE`, which reads one flag, is a cycle faster than `CMOVA`, which reads two. For the limit itself
/// they are the same.
///
/// The portable files have checked the range. The processor may predict that check wrongly, and run
/// the routine with any address until it notices. So what the routine then loads, and could leak
/// through a cache, is not kernel memory. A range that begins at the limit or below it does not reach
/// the kernel half either: between them are 64 KiB without memory and all non-canonical addresses.
macro_rules! clamp {
    ($address:literal) => {
        lines![
            "mov rax, [rip + {limit}]",
            concat!("cmp ", $address, ", rax"),
            concat!("cmovae ", $address, ", rax"),
        ]
    };
}

/// Begins a routine that copies, with an entry for each side that is user memory. The last one falls
/// through to the routine.
macro_rules! copy_entries {
    ($name:literal, clamps: $clamp:ident) => {
        lines![
            ".text",
            ".p2align 4",
            concat!(".globl ", $name, "_to_user"),
            concat!($name, "_to_user:"),
            $clamp!("rdx"),
            concat!("jmp .Lclamped_", $name),
            ".p2align 4",
            concat!(".globl ", $name, "_within_user"),
            concat!($name, "_within_user:"),
            $clamp!("rdx"),
            concat!(".globl ", $name, "_from_user"),
            concat!($name, "_from_user:"),
            $clamp!("r8"),
        ]
    };
}

/// Defines a guarded routine and its opening part. The record is in RCX. The `entries` come before it,
/// and clamp the user addresses. `before` comes before the prologue, `body` after it. `body` contains
/// the return.
macro_rules! guarded_routine {
    (
        $name:expr,
        entries: $entries:expr,
        before: [$($before:expr),* $(,)?],
        prologue: $prologue:ident,
        body: [$($body:expr),* $(,)?],
        scopes: $scopes:tt
        $(, operands: [$($operand:ident = $value:expr),* $(,)?])?
        $(,)?
    ) => {
        global_asm!(
            $entries,
            on_windows!(concat!(".seh_proc .Lclamped_", $name)),
            concat!(".Lclamped_", $name, ":"),
            on_windows!(".seh_handler __C_specific_handler, @except"),
            "test byte ptr [rip + {features}], {smap}",
            concat!("jnz .Lopened_", $name),
            concat!(".Lentry_", $name, ":"),
            $($before,)*
            prologue!($prologue),
            keep_record!($prologue),
            $($body,)*
            end!($name, filter!($prologue), $scopes),
            opened!($name),
            limit = sym USER_LIMIT,
            features = sym processor::FEATURES,
            not_found = const processor::NOT_FOUND,
            smap = const processor::SMAP,
            ac = const EFLAGS_AC,
            $($($operand = const $value,)*)?
        );
    };
}

/// The opening part of a routine: it sets AC, calls the routine, and restores AC. The features may be
/// unknown; then it finds them first.
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
            "test byte ptr [rip + {features}], {not_found}",
            "jz 1f",
            "call usermode_accessors_find_features",
            "test byte ptr [rip + {features}], {smap}",
            "jnz 1f",
            concat!("call .Lentry_", $name),
            "jmp 4f",
            // If AC is set already, a caller has opened user memory and relies on it.
            "1:",
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

/// Begins a routine with one entry, whose user address is in RDX.
macro_rules! one_entry {
    ($name:expr) => {
        lines![
            ".text",
            ".p2align 4",
            concat!(".globl ", $name),
            concat!($name, ":"),
            clamp!("rdx"),
        ]
    };
}

/// Defines a guarded routine with a single access, which moves all bytes or none. It returns `nothing`,
/// which is 0 unless it faulted; or a `narrow` or `wide` number, by the rules of [`FAULTED`].
macro_rules! guarded_access {
    ($name:literal, setup: [$($setup:expr),* $(,)?], access: $access:expr, returns: $returns:ident $(,)?) => {
        guarded_routine!(
            $name,
            entries: one_entry!($name),
            before: [],
            prologue: bare,
            body: [$($setup,)* access!($name, $access, $returns)],
            scopes: [(access_scope of $name)],
            operands: [code = offset_of!(Record, code), faulted = FAULTED],
        );
    };
}

/// As [`guarded_access`], of kernel memory.
macro_rules! closed_access {
    ($name:literal, access: $access:expr, returns: $returns:ident $(,)?) => {
        global_asm!(
            begin!($name, handled),
            prologue!(bare),
            access!($name, $access, $returns),
            end!($name, filter!(bare), [(access_scope of $name)]),
            code = const offset_of!(Record, code),
            faulted = const FAULTED,
        );
    };
}

macro_rules! access {
    ($name:literal, $access:expr, nothing) => {
        access!(@ $name, $access, "xor eax, eax", "mov eax, 1")
    };
    ($name:literal, $access:expr, narrow) => {
        access!(@ $name, $access, "", "mov rax, {faulted}")
    };
    ($name:literal, $access:expr, wide) => {
        access!(
            @ $name,
            $access,
            lines![
                "cmp rax, {faulted}",
                "jne 8f",
                "mov dword ptr [rcx + {code}], 0",
                "8:",
            ],
            "mov rax, {faulted}"
        )
    };
    (@ $name:literal, $access:expr, $done:expr, $faulted:literal) => {
        lines![
            concat!(".Laccess_", $name, ":"),
            $access,
            concat!(".Lend_", $name, ":"),
            $done,
            "ret",
            concat!(".Llanding_", $name, ":"),
            $faulted,
            "ret",
            "# {code} {faulted}", // so that no operand is left over
        ]
    };
}

/// The scope of a single access.
#[cfg(windows)]
macro_rules! access_scope {
    ($filter:expr, $name:literal) => {
        scope!(
            $filter,
            (
                concat!(".Laccess_", $name),
                concat!(".Lend_", $name),
                concat!(".Llanding_", $name)
            )
        )
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
pub(crate) use copy::{copy, copy_upward};
pub(crate) use fill::fill;
pub(crate) use nontemporal::copy_nontemporal;
pub(crate) use processor::{fast_fail, is_kernel};
pub(crate) use scalar::{
    guarded_read_acquire, guarded_write_release, read, read_acquire, write, write_release,
};
pub(crate) use string::{guarded_scan, scan};

pub(super) use processor::{prepare, smap_is_on as user_memory_can_be_closed};

/// RFLAGS.AC, bit 18. In ring 0 under SMAP, it opens user memory.
const EFLAGS_AC: u32 = 1 << 18;

// The filter of every guarded routine: RCX = EXCEPTION_POINTERS *, RDX = establisher frame.
// It takes the exceptions that an access to memory raises, and no other. The documentation of the
// crate lists them with their source. It does not take a breakpoint or a single step, so those are
// not hidden.
// R9 = record, R10 = the context of the fault. The frame is that of a routine that pushes nothing.
#[cfg(windows)]
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_filter_pushed",
    "usermode_accessors_filter_pushed:",
    "add rdx, 16",
    ".globl usermode_accessors_filter_r11",
    "usermode_accessors_filter_r11:",
    "mov r10, [rcx + 8]",
    "mov r9, [r10 + {context_r11}]",
    "jmp 1f",
    ".globl usermode_accessors_filter",
    "usermode_accessors_filter:",
    "mov r10, [rcx + 8]",
    "mov r9, [r10 + {context_rcx}]",
    "1:",
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
    "mov dword ptr [r9 + {code}], r8d",
    // The record is uninitialised, or has another fault.
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
    // The home space, for the landing pad.
    "mov [rdx + 8], r9",
    "mov r8, [r10 + {context_rdx}]",
    "mov [rdx + 16], r8",
    "mov r8, [r10 + {context_r8}]",
    "mov [rdx + 24], r8",
    "mov r8, [r10 + {context_r9}]",
    "mov [rdx + 32], r8",
    "mov eax, 1", // EXCEPTION_EXECUTE_HANDLER
    "ret",
    context_rcx = const 0x80,
    context_rdx = const 0x88,
    context_r8 = const 0xB8,
    context_r9 = const 0xC0,
    context_r11 = const 0xD0,
    exception_code = const 0x00,
    number_parameters = const 0x18,
    exception_information = const 0x20,
    code = const offset_of!(Record, code),
    kind = const offset_of!(Record, kind),
    address = const offset_of!(Record, address),
    cause = const offset_of!(Record, cause),
    unknown = const -1,
);

#[cfg(windows)]
const _: () = assert!(Trap::UNKNOWN == usize::MAX);

#[cfg(test)]
mod clamp_tests;
#[cfg(all(test, windows))]
mod tests;
