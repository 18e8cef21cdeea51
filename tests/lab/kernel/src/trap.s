    // Trap entry and exit, the return to a context, and the exports that raise.

    .text
    .macro STUB n, err
    .p2align 4
vec\n:
    .if \err == 0
    push 0
    .endif
    push \n
    jmp trap_common
    .endm
    .altmacro
    .set i, 0
    .rept 256
    .if i == 8 || (i >= 10 && i <= 14) || i == 17 || i == 21 || i == 29 || i == 30
    STUB %i, 1
    .else
    STUB %i, 0
    .endif
    .set i, i + 1
    .endr
    .noaltmacro

trap_common:                  // trap::Frame, top down; the area for fxsave below it
    push rax
    push rcx
    push rdx
    push rbx
    push rbp
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov rdi, rsp
    mov rbx, rsp
    sub rsp, 512
    and rsp, -16
    mov rsi, rsp
    fxsave64 [rsi]
    cld
    cmp byte ptr [supervisor_access_prevention], 0
    je 2f
    clac
2:  call trap_entered
    fxrstor64 [rsp]
    mov rsp, rbx
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rbp
    pop rbx
    pop rdx
    pop rcx
    pop rax
    add rsp, 16
    iretq

    .globl restore_context    // rdi: CONTEXT; never returns
restore_context:
    fxrstor64 [rdi + 0x100]
    mov rax, 0x10
    push rax                  // ss
    push qword ptr [rdi + 0x98]
    mov eax, [rdi + 0x44]
    push rax
    push 0x08                 // cs
    push qword ptr [rdi + 0xf8]
    mov rax, [rdi + 0x78]
    mov rcx, [rdi + 0x80]
    mov rdx, [rdi + 0x88]
    mov rbx, [rdi + 0x90]
    mov rbp, [rdi + 0xa0]
    mov rsi, [rdi + 0xa8]
    mov r8,  [rdi + 0xb8]
    mov r9,  [rdi + 0xc0]
    mov r10, [rdi + 0xc8]
    mov r11, [rdi + 0xd0]
    mov r12, [rdi + 0xd8]
    mov r13, [rdi + 0xe0]
    mov r14, [rdi + 0xe8]
    mov r15, [rdi + 0xf0]
    mov rdi, [rdi + 0xb0]
    iretq

    // Exports that raise exceptions: the stub captures the caller's CONTEXT at the return address
    // and calls a Rust function. If that returns, its value is the caller's result.
    .macro RAISING name, body
    .globl \name
    .p2align 4
\name:
    sub rsp, 0x508            // CONTEXT at rsp + 0x20, 16-aligned
    mov [rsp + 0x20 + 0x80], rcx
    mov [rsp + 0x20 + 0x88], rdx
    mov [rsp + 0x20 + 0x90], rbx
    mov [rsp + 0x20 + 0xa0], rbp
    mov [rsp + 0x20 + 0xa8], rsi
    mov [rsp + 0x20 + 0xb0], rdi
    mov [rsp + 0x20 + 0xb8], r8
    mov [rsp + 0x20 + 0xc0], r9
    mov [rsp + 0x20 + 0xd8], r12
    mov [rsp + 0x20 + 0xe0], r13
    mov [rsp + 0x20 + 0xe8], r14
    mov [rsp + 0x20 + 0xf0], r15
    pushfq
    pop rax
    mov [rsp + 0x20 + 0x44], eax
    lea rax, [rsp + 0x510]
    mov [rsp + 0x20 + 0x98], rax
    mov rax, [rsp + 0x508]
    mov [rsp + 0x20 + 0xf8], rax
    fxsave64 [rsp + 0x120]
    lea rdi, [rsp + 0x20]     // the argument of the Rust function
    cld
    call \body
    mov rdi, [rsp + 0x20 + 0xb0]
    mov rsi, [rsp + 0x20 + 0xa8]
    add rsp, 0x508
    ret
    .endm
    RAISING nt_probe_for_read, probe_for_read
    RAISING nt_probe_for_write, probe_for_write
    RAISING nt_raise_status, raise_status
    RAISING nt_raise_access_violation, raise_access_violation
    RAISING nt_raise_datatype_misalignment, raise_datatype_misalignment
    RAISING nt_probe_and_lock_pages, probe_and_lock_pages

    .section .rodata
    .globl trap_vectors
    .p2align 3
trap_vectors:
    .altmacro
    .macro ENTRY n
    .quad vec\n
    .endm
    .set i, 0
    .rept 256
    ENTRY %i
    .set i, i + 1
    .endr
    .noaltmacro
    .text
