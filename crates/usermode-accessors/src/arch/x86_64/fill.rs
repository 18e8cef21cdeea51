//! Fills.
//!
//! As [`copy`](super::copy) does it: stores that overlap in the middle up to 128 bytes, blocks of 64
//! above that, the longest by `REP STOSB`, and after a fault on to the very byte.

use core::{arch::global_asm, mem::offset_of};

use super::{
    EFLAGS_AC, Record, Trap,
    processor::{self, features},
};

/// From how many bytes on a string instruction is faster than a loop, on processors that have
/// [`processor::STRINGS`].
const LONG: usize = 1024;

/// Puts the byte in R8 into every byte of R8 and XMM0. Spoils RAX.
macro_rules! repeat_byte {
    () => {
        lines![
            "movzx r8d, r8b",
            "mov rax, 0x0101010101010101",
            "imul r8, rax",
            "movq xmm0, r8",
            "punpcklqdq xmm0, xmm0",
        ]
    };
}

/// Fills R9 bytes at RDX and returns, up to 128 of them; above that, jumps to `long`. R8 and XMM0
/// hold the byte, repeated. The labels are as in a short copy.
macro_rules! fill_short {
    ($name:literal, $long:literal) => {
        lines![
            "cmp r9, 16",
            concat!("ja .Lover_16_", $name),
            "cmp r9d, 8",
            concat!("jae .Lfrom_8_", $name),
            "cmp r9d, 4",
            concat!("jae .Lfrom_4_", $name),
            "cmp r9d, 1",
            concat!("ja .Lfrom_2_", $name),
            concat!("jb .Lnothing_", $name),
            "mov byte ptr [rdx], r8b",
            concat!(".Lnothing_", $name, ":"),
            "ret",
            concat!(".Lfrom_2_", $name, ":"),
            "mov word ptr [rdx], r8w",
            concat!(".Lsecond_2_", $name, ":"),
            "mov word ptr [rdx + r9 - 2], r8w",
            concat!(".Lend_2_", $name, ":"),
            "ret",
            concat!(".Lfrom_4_", $name, ":"),
            "mov dword ptr [rdx], r8d",
            concat!(".Lsecond_4_", $name, ":"),
            "mov dword ptr [rdx + r9 - 4], r8d",
            concat!(".Lend_4_", $name, ":"),
            "ret",
            concat!(".Lfrom_8_", $name, ":"),
            "mov qword ptr [rdx], r8",
            concat!(".Lsecond_8_", $name, ":"),
            "mov qword ptr [rdx + r9 - 8], r8",
            concat!(".Lend_8_", $name, ":"),
            "ret",
            concat!(".Lover_16_", $name, ":"),
            "cmp r9, 32",
            concat!("ja .Lover_32_", $name),
            "movups [rdx], xmm0",
            concat!(".Lsecond_16_", $name, ":"),
            "movups [rdx + r9 - 16], xmm0",
            concat!(".Lend_16_", $name, ":"),
            "ret",
            concat!(".Lover_32_", $name, ":"),
            "cmp r9, 64",
            concat!("ja .Lover_64_", $name),
            "movups [rdx], xmm0",
            concat!(".Lsecond_32_", $name, ":"),
            "movups [rdx + 16], xmm0",
            concat!(".Lthird_32_", $name, ":"),
            "movups [rdx + r9 - 32], xmm0",
            concat!(".Lfourth_32_", $name, ":"),
            "movups [rdx + r9 - 16], xmm0",
            concat!(".Lend_32_", $name, ":"),
            "ret",
            concat!(".Lover_64_", $name, ":"),
            "cmp r9, 128",
            concat!("ja ", $long),
            "movups [rdx], xmm0",
            concat!(".Lsecond_64_", $name, ":"),
            "movups [rdx + 16], xmm0",
            concat!(".Lthird_64_", $name, ":"),
            "movups [rdx + 32], xmm0",
            concat!(".Lfourth_64_", $name, ":"),
            "movups [rdx + 48], xmm0",
            concat!(".Lfifth_64_", $name, ":"),
            "movups [rdx + r9 - 64], xmm0",
            concat!(".Lsixth_64_", $name, ":"),
            "movups [rdx + r9 - 48], xmm0",
            concat!(".Lseventh_64_", $name, ":"),
            "movups [rdx + r9 - 32], xmm0",
            concat!(".Leighth_64_", $name, ":"),
            "movups [rdx + r9 - 16], xmm0",
            concat!(".Lend_64_", $name, ":"),
            "ret",
        ]
    };
}

/// Fills R9 bytes, more than 128, at RDI in blocks, and stops in front of the last 65 to
/// 128 of them.
macro_rules! fill_blocks {
    ($name:literal) => {
        lines![
            concat!(".Lblock_", $name, ":"),
            "movups [rdi], xmm0",
            concat!(".Lsecond_", $name, ":"),
            "movups [rdi + 16], xmm0",
            concat!(".Lthird_", $name, ":"),
            "movups [rdi + 32], xmm0",
            concat!(".Lfourth_", $name, ":"),
            "movups [rdi + 48], xmm0",
            concat!(".Lend_", $name, ":"),
            "add rdi, 64",
            "sub r9, 64",
            "cmp r9, 128",
            concat!("ja .Lblock_", $name),
        ]
    };
}

guarded_leaf!(
    "usermode_accessors_fill",
    before: [],
    prologue: bare,
    body: [
        "mov [rsp + 24], r8",
        repeat_byte!(),
        ".globl usermode_accessors_fill_short",
        "usermode_accessors_fill_short:",
        "mov [rsp + 16], rdx",
        "mov [rsp + 32], r9",
        ".Laccess_fill:",
        fill_short!("fill", "usermode_accessors_fill_long"),
        ".Lend_fill:",
        ".Lnone_arrived_fill:",
        "xor r10d, r10d",
        "jmp .Lgo_on_fill",
        ".L2_arrived_fill:",
        "mov r10d, 2",
        "jmp .Lgo_on_fill",
        ".L4_arrived_fill:",
        "mov r10d, 4",
        "jmp .Lgo_on_fill",
        ".L8_arrived_fill:",
        "mov r10d, 8",
        "jmp .Lgo_on_fill",
        ".L16_arrived_fill:",
        "mov r10d, 16",
        "jmp .Lgo_on_fill",
        ".L32_arrived_fill:",
        "mov r10d, 32",
        "jmp .Lgo_on_fill",
        ".L48_arrived_fill:",
        "mov r10d, 48",
        "jmp .Lgo_on_fill",
        ".L64_arrived_fill:",
        "mov r10d, 64",
        "jmp .Lgo_on_fill",
        // What ends so far from the end may end before what was stored from the start on.
        ".Lall_but_16_arrived_of_64_fill:",
        "mov eax, 32",
        "mov r10d, 16",
        "jmp 6f",
        ".Lall_but_16_arrived_of_128_fill:",
        "mov eax, 64",
        "mov r10d, 16",
        "jmp 6f",
        ".Lall_but_32_arrived_of_128_fill:",
        "mov eax, 64",
        "mov r10d, 32",
        "jmp 6f",
        ".Lall_but_48_arrived_of_128_fill:",
        "mov eax, 64",
        "mov r10d, 48",
        "6:",
        "neg r10",
        "add r10, [rsp + 32]",
        "cmp r10, rax",
        "cmovb r10, rax",
        ".Lgo_on_fill:",
        "mov rcx, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov r8, [rsp + 24]",
        "mov r9, [rsp + 32]",
        "jmp usermode_accessors_fill_again",
    ],
    scopes: [
        (".Lsecond_2_fill", ".Lend_2_fill", ".L2_arrived_fill"),
        (".Lsecond_4_fill", ".Lend_4_fill", ".L4_arrived_fill"),
        (".Lsecond_8_fill", ".Lend_8_fill", ".L8_arrived_fill"),
        (".Lsecond_16_fill", ".Lend_16_fill", ".L16_arrived_fill"),
        (".Lsecond_32_fill", ".Lthird_32_fill", ".L16_arrived_fill"),
        (".Lthird_32_fill", ".Lfourth_32_fill", ".L32_arrived_fill"),
        (".Lfourth_32_fill", ".Lend_32_fill", ".Lall_but_16_arrived_of_64_fill"),
        (".Lsecond_64_fill", ".Lthird_64_fill", ".L16_arrived_fill"),
        (".Lthird_64_fill", ".Lfourth_64_fill", ".L32_arrived_fill"),
        (".Lfourth_64_fill", ".Lfifth_64_fill", ".L48_arrived_fill"),
        (".Lfifth_64_fill", ".Lsixth_64_fill", ".L64_arrived_fill"),
        (".Lsixth_64_fill", ".Lseventh_64_fill", ".Lall_but_48_arrived_of_128_fill"),
        (".Lseventh_64_fill", ".Leighth_64_fill", ".Lall_but_32_arrived_of_128_fill"),
        (".Leighth_64_fill", ".Lend_64_fill", ".Lall_but_16_arrived_of_128_fill"),
        (".Laccess_fill", ".Lend_fill", ".Lnone_arrived_fill"),
    ],
);

// Goes on where usermode_accessors_fill jumps here, with the homes as that has filled them.
global_asm!(
    begin!("usermode_accessors_fill_long", handled),
    prologue!(pushed),
    "mov rdi, rdx",
    "cmp r9, {long}",
    "jb .Lblock_fill_long",
    "test byte ptr [rcx + {processor}], {strings}",
    "jnz .Lstring_fill_long",
    ".Laccess_fill_long:",
    fill_blocks!("fill_long"),
    "mov rdx, rdi",
    epilogue!(),
    "jmp usermode_accessors_fill_short",
    ".Lstring_fill_long:",
    "mov eax, r8d",
    "mov rcx, r9",
    ".Lstrings_fill_long:",
    "rep stosb",
    ".Lstrings_end_fill_long:",
    // RDI is exact.
    "mov rax, [rsp + 32]",
    "add rax, [rsp + 48]",
    "sub rax, rdi",
    epilogue!(),
    "ret",
    ".L16_arrived_fill_long:",
    "mov r10d, 16",
    "jmp .Lgo_on_fill_long",
    ".L32_arrived_fill_long:",
    "mov r10d, 32",
    "jmp .Lgo_on_fill_long",
    ".L48_arrived_fill_long:",
    "mov r10d, 48",
    "jmp .Lgo_on_fill_long",
    ".Lnone_arrived_fill_long:",
    "xor r10d, r10d",
    ".Lgo_on_fill_long:",
    "mov rcx, [rsp + 24]",
    "mov r8, [rsp + 40]",
    "mov r9, [rsp + 32]",
    "add r9, [rsp + 48]",
    "sub r9, rdi",
    "mov rdx, rdi",
    epilogue!(),
    "jmp usermode_accessors_fill_again",
    end!("usermode_accessors_fill_long", filter!(pushed), [
        (".Lsecond_fill_long", ".Lthird_fill_long", ".L16_arrived_fill_long"),
        (".Lthird_fill_long", ".Lfourth_fill_long", ".L32_arrived_fill_long"),
        (".Lfourth_fill_long", ".Lend_fill_long", ".L48_arrived_fill_long"),
        (".Laccess_fill_long", ".Lend_fill_long", ".Lnone_arrived_fill_long"),
        (".Lstrings_fill_long", ".Lstrings_end_fill_long", ".Lstrings_end_fill_long"),
    ]),
    long = const LONG,
    processor = const offset_of!(Record, processor),
    strings = const processor::STRINGS,
);

// From offset R10 to offset R11 of R9 bytes at RDX, with the byte in R8.
global_asm!(
    ".text",
    ".p2align 4",
    ".globl usermode_accessors_fill_again",
    "usermode_accessors_fill_again:",
    offsets_to_go_on!("mov rax, rdx"),
    "jmp usermode_accessors_fill_bytes",
    begin!("usermode_accessors_fill_bytes", handled),
    prologue!(pushed),
    keep_record!(pushed),
    "add r9, rdx",
    "mov [rsp + 32], r9",
    "lea rdi, [rdx + r10]",
    "mov eax, r8d",
    "mov rcx, r11",
    "sub rcx, r10",
    ".Laccess_fill_bytes:",
    "rep stosb",
    ".Llanding_fill_bytes:",
    "mov rax, [rsp + 32]",
    "sub rax, rdi",
    epilogue!(),
    "ret",
    end!("usermode_accessors_fill_bytes", filter!(pushed), [
        (".Laccess_fill_bytes", ".Llanding_fill_bytes", ".Llanding_fill_bytes"),
    ]),
    processor = const offset_of!(Record, processor),
    smap = const processor::SMAP,
    code = const offset_of!(Record, code),
    address = const offset_of!(Record, address),
);

// ECX is what the record would say of the processor.
global_asm!(
    begin!("usermode_accessors_fill_directly"),
    prologue!(bare),
    repeat_byte!(),
    ".Lshort_fill_directly:",
    fill_short!("fill_directly", "usermode_accessors_fill_long_directly"),
    end!(),
    begin!("usermode_accessors_fill_long_directly"),
    prologue!(pushed),
    "mov rdi, rdx",
    "cmp r9, {long}",
    "jb .Lblock_fill_long_directly",
    "test cl, {strings}",
    "jnz .Lstring_fill_long_directly",
    fill_blocks!("fill_long_directly"),
    "mov rdx, rdi",
    epilogue!(),
    "jmp .Lshort_fill_directly",
    ".Lstring_fill_long_directly:",
    "mov eax, r8d",
    "mov rcx, r9",
    "rep stosb",
    epilogue!(),
    "ret",
    end!(),
    long = const LONG,
    strings = const processor::STRINGS,
);

unsafe extern "win64" {
    /// Returns, after a fault, how many bytes are *not* filled: those at the end.
    pub(super) fn usermode_accessors_fill(
        record: *mut Record,
        destination: *mut u8,
        byte: u32,
        length: usize,
    ) -> usize;
    fn usermode_accessors_fill_directly(
        processor: u32,
        destination: *mut u8,
        byte: u32,
        length: usize,
    );
}

/// Fills user memory.
///
/// # Safety
///
/// The range passed [`crate::probe::check_range`].
#[inline]
pub(crate) unsafe fn guarded_fill(
    destination: *mut u8,
    byte: u8,
    length: usize,
) -> Result<(), Trap> {
    let mut record = Record::new(features());
    // SAFETY: the record outlives the call; a fault on the user side returns.
    let left =
        unsafe { usermode_accessors_fill(&raw mut record, destination, u32::from(byte), length) };
    record.result(length.wrapping_sub(left))
}

/// Fills without a guard.
///
/// # Safety
///
/// The range is valid for `length` bytes.
#[inline]
pub(crate) unsafe fn fill(destination: *mut u8, byte: u8, length: usize) {
    // SAFETY: the caller vouches for the range.
    unsafe { usermode_accessors_fill_directly(features(), destination, u32::from(byte), length) };
}
