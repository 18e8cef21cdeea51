//! x86-64.
//!
//! Every leaf is written once and follows Microsoft's x64 calling convention on every system;
//! Rust calls it as `extern "win64"` and so knows which registers it may spoil, also after a
//! fault, when each volatile one is garbage. Only on Windows does it carry unwind data and a
//! handler; elsewhere a fault ends the process, and tests there use valid memory.
//!
//! # The frame of a guarded leaf
//!
//! | from RSP after the prologue | what |
//! | --- | --- |
//! | +0 | the `Record`, where the filter finds it through its establisher frame |
//! | +8 | where the access starts, to count from |
//! | +16 | RFLAGS at entry, for AC |
//! | +24 | the caller's RSI, then the caller's RDI |
//!
//! The landing pad is the instruction after the access, and relies on this frame, RDI and RSI
//! alone: those survive the unwind. It does not look at RAX, where the exception code may or
//! may not be; the filter has put it into the record.
//!
//! Source: "x64 exception handling" and "x64 calling convention", Microsoft C++ documentation.

use core::{
    arch::{asm, global_asm},
    mem::offset_of,
};

use super::{Trap, Width};
use processor::smap_is_on;

/// What the leaf and its filter tell the caller, and the caller the leaf.
#[repr(C)]
struct Record {
    /// The exception code, or 0 for none. No exception that the filter takes has code 0.
    code: u32,
    /// Not 0: user memory is closed to the kernel (SMAP), open it for the access.
    open_window: u32,
    kind: usize,
    address: usize,
}

impl Record {
    fn new(open_window: bool) -> Self {
        Self {
            code: 0,
            open_window: u32::from(open_window),
            kind: Trap::UNKNOWN,
            address: Trap::UNKNOWN,
        }
    }

    const fn result(&self, copied: usize) -> Result<(), Trap> {
        if self.code == 0 {
            return Ok(());
        }
        Err(Trap {
            code: self.code,
            kind: self.kind,
            address: self.address,
            copied,
        })
    }
}

#[cfg(windows)]
macro_rules! on_windows {
    ($($line:expr),* $(,)?) => { concat!($($line, "\n"),*) };
}

#[cfg(not(windows))]
macro_rules! on_windows {
    ($($line:expr),* $(,)?) => {
        ""
    };
}

/// Several instructions as one template.
macro_rules! lines {
    ($($line:literal),* $(,)?) => { concat!($($line, "\n"),*) };
}

/// A guarded leaf. `setup` moves arguments to where `access` wants them; the record is in RCX
/// and may be overwritten. `access` is the only code under guard. `result` computes RAX.
/// Numbered labels up to 4 are the frame's own.
macro_rules! guarded_leaf {
    ($name:literal, setup: [$($setup:literal),*], access: $access:expr, result: [$($result:literal),*]) => {
        global_asm!(
            ".text",
            ".p2align 4",
            concat!(".globl ", $name),
            on_windows!(
                concat!(".def ", $name),
                ".scl 2",
                ".type 32",
                ".endef",
                concat!(".seh_proc ", $name),
                ".seh_handler __C_specific_handler, @except"
            ),
            concat!($name, ":"),
            "push rdi",
            on_windows!(".seh_pushreg rdi"),
            "push rsi",
            on_windows!(".seh_pushreg rsi"),
            "pushfq",
            on_windows!(".seh_stackalloc 8"),
            "sub rsp, 16",
            on_windows!(".seh_stackalloc 16"),
            on_windows!(".seh_endprologue"),
            "mov [rsp], rcx",
            "mov [rsp + 8], rdx",
            // AC already set means that somebody else opened the window and relies on it.
            "cmp dword ptr [rcx + {open_window}], 0",
            "je 2f",
            "test dword ptr [rsp + 16], {ac}",
            "jnz 2f",
            "stac",
            "2:",
            $($setup,)*
            concat!(".Laccess_", $name, ":"),
            $access,
            concat!(".Llanding_", $name, ":"),
            // What AC is after an unwind depends on the dispatcher: set it to what it was.
            "mov rcx, [rsp]",
            "cmp dword ptr [rcx + {open_window}], 0",
            "je 4f",
            "test dword ptr [rsp + 16], {ac}",
            "jnz 3f",
            "clac",
            "jmp 4f",
            "3:",
            "stac",
            "4:",
            $($result,)*
            "add rsp, 24",
            "pop rsi",
            "pop rdi",
            "ret",
            on_windows!(
                ".seh_handlerdata",
                ".long 1",
                concat!(".long .Laccess_", $name, "@IMGREL"),
                concat!(".long .Llanding_", $name, "@IMGREL"),
                ".long usermode_accessors_filter@IMGREL",
                concat!(".long .Llanding_", $name, "@IMGREL"),
                ".text",
                ".seh_endproc"
            ),
            open_window = const offset_of!(Record, open_window),
            ac = const EFLAGS_AC,
        );
    };
}

mod backward;
mod interlocked;
mod nontemporal;
mod processor;
mod raising;
mod scalar;
mod string;

pub(crate) use backward::{copy_backward, guarded_copy_backward};
pub(crate) use interlocked::{guarded_and, guarded_compare_exchange, guarded_or};
pub(crate) use nontemporal::{copy_nontemporal, guarded_copy_nontemporal};
pub(crate) use processor::fast_fail;
pub(crate) use raising::call;
pub(crate) use scalar::{
    guarded_read, guarded_read_acquire, guarded_write, guarded_write_release, read, read_acquire,
    write, write_release,
};
pub(crate) use string::{guarded_scan, scan};

/// RFLAGS.AC, bit 18: in ring 0 under SMAP, user memory is open.
const EFLAGS_AC: u32 = 1 << 18;

// The filter of every guarded leaf: RCX = EXCEPTION_POINTERS *, RDX = establisher frame.
// It takes the exceptions that touching memory raises and leaves every other to the handlers
// above, so that a bug stays a bug.
#[cfg(windows)]
global_asm!(
    ".text",
    ".p2align 4",
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
    "xor eax, eax", // EXCEPTION_CONTINUE_SEARCH
    "ret",
    "2:",
    "mov r9, [rdx]",
    "mov dword ptr [r9 + {code}], r8d",
    "cmp dword ptr [rax + {number_parameters}], 2",
    "jb 3f",
    "mov r8, [rax + {exception_information}]",
    "mov [r9 + {kind}], r8",
    "mov r8, [rax + {exception_information} + 8]",
    "mov [r9 + {address}], r8",
    "3:",
    "mov eax, 1", // EXCEPTION_EXECUTE_HANDLER
    "ret",
    exception_code = const 0x00,
    number_parameters = const 0x18,
    exception_information = const 0x20,
    code = const offset_of!(Record, code),
    kind = const offset_of!(Record, kind),
    address = const offset_of!(Record, address),
);

guarded_leaf!(
    "usermode_accessors_copy",
    setup: ["mov rdi, rdx", "mov rsi, r8", "mov rcx, r9"],
    access: "rep movsb",
    result: ["mov rax, rdi", "sub rax, [rsp + 8]"]
);
guarded_leaf!(
    "usermode_accessors_fill",
    setup: ["mov rdi, rdx", "mov eax, r8d", "mov rcx, r9"],
    access: "rep stosb",
    result: ["mov rax, rdi", "sub rax, [rsp + 8]"]
);
unsafe extern "win64" {
    fn usermode_accessors_copy(
        record: *mut Record,
        destination: *mut u8,
        source: *const u8,
        length: usize,
    ) -> usize;
    fn usermode_accessors_fill(
        record: *mut Record,
        destination: *mut u8,
        byte: u32,
        length: usize,
    ) -> usize;
}

/// Copies forward, byte by byte as far as anybody can tell, with at least one side in user memory.
///
/// # Safety
///
/// A side that is not user memory is valid for `length` bytes. A user side passed
/// [`crate::probe::check_range`].
pub(crate) unsafe fn guarded_copy(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new(smap_is_on());
    // SAFETY: the record outlives the call; the caller vouches for the kernel's side, and a
    // fault on a user side returns.
    let copied = unsafe { usermode_accessors_copy(&raw mut record, destination, source, length) };
    record.result(copied)
}

/// Fills user memory.
///
/// # Safety
///
/// The range passed [`crate::probe::check_range`].
pub(crate) unsafe fn guarded_fill(
    destination: *mut u8,
    byte: u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new(smap_is_on());
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let copied =
        unsafe { usermode_accessors_fill(&raw mut record, destination, u32::from(byte), length) };
    record.result(copied)
}

/// Copies forward without a guard.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes. They may change under the copy.
pub(crate) unsafe fn copy(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller vouches for both ranges; DF is clear by the calling convention.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") length => _,
            inout("rdi") destination => _,
            inout("rsi") source => _,
            options(nostack, preserves_flags),
        );
    }
}

/// Fills without a guard.
///
/// # Safety
///
/// The range is valid for `length` bytes.
pub(crate) unsafe fn fill(destination: *mut u8, byte: u8, length: usize) {
    // SAFETY: the caller vouches for the range; DF is clear by the calling convention.
    unsafe {
        asm!(
            "rep stosb",
            inout("rcx") length => _,
            inout("rdi") destination => _,
            in("al") byte,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(all(test, windows))]
mod tests;
