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
    sync::atomic::{AtomicU8, Ordering},
};

use super::{Trap, Width};

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

/// A guarded leaf. `setup` moves arguments to where `access` wants them; the record is in RCX
/// and may be overwritten. `access` is the only code under guard. `result` computes RAX.
macro_rules! guarded_leaf {
    ($name:literal, setup: [$($setup:literal),*], access: $access:literal, result: [$($result:literal),*]) => {
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

/// RFLAGS.AC, bit 18: in ring 0 under SMAP, user memory is open.
const EFLAGS_AC: u32 = 1 << 18;

// The filter of every guarded leaf: RCX = EXCEPTION_POINTERS *, RDX = establisher frame.
// It takes the exceptions that touching memory raises and leaves every other to the handlers
// above, so that a bug stays a bug.
#[cfg(windows)]
global_asm!(
    ".text",
    ".p2align 4",
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
guarded_leaf!(
    "usermode_accessors_read1",
    setup: ["xor edi, edi"],
    access: "movzx edi, byte ptr [rdx]",
    result: ["mov rax, rdi"]
);
guarded_leaf!(
    "usermode_accessors_read2",
    setup: ["xor edi, edi"],
    access: "movzx edi, word ptr [rdx]",
    result: ["mov rax, rdi"]
);
guarded_leaf!(
    "usermode_accessors_read4",
    setup: ["xor edi, edi"],
    access: "mov edi, dword ptr [rdx]",
    result: ["mov rax, rdi"]
);
guarded_leaf!(
    "usermode_accessors_read8",
    setup: ["xor edi, edi"],
    access: "mov rdi, qword ptr [rdx]",
    result: ["mov rax, rdi"]
);
guarded_leaf!("usermode_accessors_write1", setup: [], access: "mov byte ptr [rdx], r8b", result: []);
guarded_leaf!("usermode_accessors_write2", setup: [], access: "mov word ptr [rdx], r8w", result: []);
guarded_leaf!("usermode_accessors_write4", setup: [], access: "mov dword ptr [rdx], r8d", result: []);
guarded_leaf!("usermode_accessors_write8", setup: [], access: "mov qword ptr [rdx], r8", result: []);

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
    fn usermode_accessors_read1(record: *mut Record, source: *const u8) -> u64;
    fn usermode_accessors_read2(record: *mut Record, source: *const u8) -> u64;
    fn usermode_accessors_read4(record: *mut Record, source: *const u8) -> u64;
    fn usermode_accessors_read8(record: *mut Record, source: *const u8) -> u64;
    fn usermode_accessors_write1(record: *mut Record, destination: *mut u8, value: u64);
    fn usermode_accessors_write2(record: *mut Record, destination: *mut u8, value: u64);
    fn usermode_accessors_write4(record: *mut Record, destination: *mut u8, value: u64);
    fn usermode_accessors_write8(record: *mut Record, destination: *mut u8, value: u64);
}

/// Copies forward, byte by byte as far as anybody can tell, with one side in user memory.
///
/// # Safety
///
/// The side that is not user memory is valid for `length` bytes. The user side passed
/// [`crate::probe::check_range`].
pub(crate) unsafe fn guarded_copy(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new(smap_is_on());
    // SAFETY: the record outlives the call; the caller vouches for the kernel's side, and a
    // fault on the user side returns.
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

/// Reads user memory with exactly one instruction of the given width, zero-extended.
///
/// # Safety
///
/// The range passed [`crate::probe::check_range`].
pub(crate) unsafe fn guarded_read(source: *const u8, width: Width) -> Result<u64, Trap> {
    let leaf = match width {
        Width::One => usermode_accessors_read1,
        Width::Two => usermode_accessors_read2,
        Width::Four => usermode_accessors_read4,
        Width::Eight => usermode_accessors_read8,
    };
    let mut record = Record::new(smap_is_on());
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let value = unsafe { leaf(&raw mut record, source) };
    record.result(0).map(|()| value)
}

/// Writes the low bytes of `value` to user memory with exactly one instruction of the width.
///
/// # Safety
///
/// The range passed [`crate::probe::check_range`].
pub(crate) unsafe fn guarded_write(
    destination: *mut u8,
    value: u64,
    width: Width,
) -> Result<(), Trap> {
    let leaf = match width {
        Width::One => usermode_accessors_write1,
        Width::Two => usermode_accessors_write2,
        Width::Four => usermode_accessors_write4,
        Width::Eight => usermode_accessors_write8,
    };
    let mut record = Record::new(smap_is_on());
    // SAFETY: the record outlives the call; a fault on the user side returns.
    unsafe { leaf(&raw mut record, destination, value) };
    record.result(0)
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

/// Reads with exactly one instruction of the given width, zero-extended, without a guard. Fit for
/// device memory if the address is aligned.
///
/// # Safety
///
/// The range is valid.
pub(crate) unsafe fn read(source: *const u8, width: Width) -> u64 {
    let value: u64;
    match width {
        // SAFETY: the caller vouches for the range.
        Width::One => unsafe {
            asm!("movzx {0:e}, byte ptr [{1}]", out(reg) value, in(reg) source, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Two => unsafe {
            asm!("movzx {0:e}, word ptr [{1}]", out(reg) value, in(reg) source, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Four => unsafe {
            asm!("mov {0:e}, dword ptr [{1}]", out(reg) value, in(reg) source, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Eight => unsafe {
            asm!("mov {0}, qword ptr [{1}]", out(reg) value, in(reg) source, options(nostack, preserves_flags));
        },
    }
    value
}

/// Writes the low bytes of `value` with exactly one instruction of the width, without a guard.
/// Fit for device memory if the address is aligned.
///
/// # Safety
///
/// The range is valid.
pub(crate) unsafe fn write(destination: *mut u8, value: u64, width: Width) {
    match width {
        // SAFETY: the caller vouches for the range.
        Width::One => unsafe {
            asm!("mov byte ptr [{0}], {1}", in(reg) destination, in(reg_byte) value.to_le_bytes()[0], options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Two => unsafe {
            asm!("mov word ptr [{0}], {1:x}", in(reg) destination, in(reg) value, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Four => unsafe {
            asm!("mov dword ptr [{0}], {1:e}", in(reg) destination, in(reg) value, options(nostack, preserves_flags));
        },
        // SAFETY: as above.
        Width::Eight => unsafe {
            asm!("mov qword ptr [{0}], {1}", in(reg) destination, in(reg) value, options(nostack, preserves_flags));
        },
    }
}

/// Ends the program, or the system, at once: `__fastfail`.
///
/// Source: "`__fastfail`", Microsoft C++ documentation.
pub(crate) fn fast_fail(code: u32) -> ! {
    // SAFETY: interrupt 29h with a code in ECX does not return and touches no memory of ours.
    unsafe { asm!("int 0x29", in("ecx") code, options(noreturn, nostack)) }
}

/// Whether this code runs in ring 0 of a processor that closes user memory to it.
///
/// CR4.SMAP is the same on all processors of a system and does not change, so it is read once.
fn smap_is_on() -> bool {
    const UNKNOWN: u8 = 0;
    const OFF: u8 = 1;
    const ON: u8 = 2;
    static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

    match STATE.load(Ordering::Relaxed) {
        UNKNOWN => {
            let on = is_ring_0() && cr4_has_smap();
            STATE.store(if on { ON } else { OFF }, Ordering::Relaxed);
            on
        }
        state => state == ON,
    }
}

fn is_ring_0() -> bool {
    let selector: u32;
    // SAFETY: reading CS is allowed in every ring and changes nothing.
    unsafe {
        asm!("mov {0:e}, cs", out(reg) selector, options(nomem, nostack, preserves_flags));
    }
    let privilege = selector & 3;
    privilege == 0
}

/// For ring 0 only.
fn cr4_has_smap() -> bool {
    const CR4_SMAP: u64 = 1 << 21;
    let cr4: u64;
    // SAFETY: only called in ring 0, where reading CR4 is allowed and changes nothing.
    unsafe {
        asm!("mov {0}, cr4", out(reg) cr4, options(nomem, nostack, preserves_flags));
    }
    cr4 & CR4_SMAP != 0
}

#[cfg(all(test, windows))]
mod tests;
