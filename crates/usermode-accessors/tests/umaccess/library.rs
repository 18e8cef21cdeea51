//! A stand-in for `umaccess.lib`, by the pages of `usermode_accessors.h`: for a program, and for a driver.
//!
//! A function accesses one byte or one number after the other, and lets an exception through. It has no
//! unwind data: at each access RSP is that of the entry. In ring 0 under SMAP, user memory is open from the
//! entry to the return, or to an exception, unless it was open before. The pages promise none of this. The
//! crate does not rely on it.

use core::arch::global_asm;

/// Opens user memory in ring 0 if SMAP closes it. Then R10 is 1, else 0.
macro_rules! open {
    () => {
        "
        xor r10d, r10d
        mov r11d, cs
        test r11b, 3
        jnz 7f
        mov r11, cr4
        bt r11, 21
        jnc 7f
        pushfq
        pop r11
        bt r11, 18
        jc 7f
        stac
        mov r10d, 1
        7:
        "
    };
}

/// Closes user memory if R10 is 1, and returns.
macro_rules! close_and_return {
    () => {
        "
        test r10d, r10d
        jz 8f
        clac
        8:
        ret
        "
    };
}

/// Defines functions, and for each a variable that counts its calls. The code has its arguments in RCX, RDX
/// and R8, its result in RAX, and does not use the labels 7 and 8.
macro_rules! functions {
    ($($($name:literal)+ [$($line:literal),* $(,)?])+) => {
        $(functions!(@ [$($line),*] $($name)+);)+
    };
    (@ $code:tt $($name:literal)+) => {
        $(functions!(@@ $name $code);)+
    };
    (@@ $name:literal [$($line:literal),*]) => {
        global_asm!(
            ".text",
            concat!(".globl ", $name),
            concat!($name, ":"),
            concat!("inc dword ptr [rip + calls_of_", $name, "]"),
            open!(),
            $($line,)*
            close_and_return!(),
            ".data",
            ".p2align 2",
            concat!(".globl calls_of_", $name),
            concat!("calls_of_", $name, ":"),
            ".long 0",
            ".text",
        );
    };
}

functions! {
    "CopyFromUser" "CopyFromUserNonTemporal" "CopyToUser" "CopyToUserNonTemporal" "CopyToUserFromUser" [
        "2: test r8, r8", "jz 3f", "mov al, [rdx]", "mov [rcx], al", "inc rcx", "inc rdx", "dec r8",
        "jmp 2b", "3:",
    ]
    "MoveToUserFromUser" [
        "cmp rcx, rdx", "ja 4f",
        "2: test r8, r8", "jz 5f", "mov al, [rdx]", "mov [rcx], al", "inc rcx", "inc rdx", "dec r8",
        "jmp 2b",
        "4: test r8, r8", "jz 5f", "mov al, [rdx + r8 - 1]", "mov [rcx + r8 - 1], al", "dec r8",
        "jmp 4b", "5:",
    ]
    "FillUserMemory" [
        "2: test rdx, rdx", "jz 3f", "mov [rcx], r8b", "inc rcx", "dec rdx", "jmp 2b", "3:",
    ]
    "ReadUCharFromUser" "ReadUCharFromUserAcquire" ["movzx eax, byte ptr [rcx]"]
    "ReadUShortFromUser" "ReadUShortFromUserAcquire" ["movzx eax, word ptr [rcx]"]
    "ReadULongFromUser" "ReadULongFromUserAcquire" ["mov eax, [rcx]"]
    "ReadULonglongFromUser" "ReadULonglongFromUserAcquire" ["mov rax, [rcx]"]
    "WriteUCharToUser" "WriteUCharToUserRelease" ["mov [rcx], dl"]
    "WriteUShortToUser" "WriteUShortToUserRelease" ["mov [rcx], dx"]
    "WriteULongToUser" "WriteULongToUserRelease" ["mov [rcx], edx"]
    "WriteULonglongToUser" "WriteULonglongToUserRelease" ["mov [rcx], rdx"]
    "InterlockedAndToUser" [
        "xor eax, eax", "2: mov r8d, eax", "and r8d, edx", "lock cmpxchg [rcx], r8d", "jnz 2b",
    ]
    "InterlockedAnd64ToUser" [
        "xor eax, eax", "2: mov r8, rax", "and r8, rdx", "lock cmpxchg [rcx], r8", "jnz 2b",
    ]
    "InterlockedOrToUser" [
        "xor eax, eax", "2: mov r8d, eax", "or r8d, edx", "lock cmpxchg [rcx], r8d", "jnz 2b",
    ]
    "InterlockedOr64ToUser" [
        "xor eax, eax", "2: mov r8, rax", "or r8, rdx", "lock cmpxchg [rcx], r8", "jnz 2b",
    ]
    "InterlockedCompareExchangeToUser" ["mov eax, r8d", "lock cmpxchg [rcx], edx"]
    "InterlockedCompareExchange64ToUser" ["mov rax, r8", "lock cmpxchg [rcx], rdx"]
    "StringLengthFromUser" [
        "xor eax, eax", "2: cmp byte ptr [rcx + rax], 0", "je 3f", "inc rax", "jmp 2b", "3:",
    ]
    "WideStringLengthFromUser" [
        "xor eax, eax", "2: cmp word ptr [rcx + 2 * rax], 0", "je 3f", "inc rax", "jmp 2b", "3:",
    ]
}
