    // Calls from the lab into a driver: on the driver's stack, with a known value in every register
    // that the callee must preserve (x64 calling convention, "Caller/callee saved registers").
    // call::DriverCall::changed has a bit for each register that was not preserved.

    .text
    // rdi: call::DriverCall*, rsi: stack to use (0: the current one). System V inside the lab.
    .globl call_driver
call_driver:
    // The lab's own registers: an export that a driver called may call another driver.
    SAVE_REGISTERS
    mov rbp, rsp
    test rsi, rsi
    jz 2f
    mov rsp, rsi
2:  and rsp, -16
    push rbp
    push rdi
    sub rsp, 0x20             // home area of the callee's four arguments
    mov rax, [rdi]
    mov rcx, [rdi + 8]
    mov rdx, [rdi + 16]
    mov r8, [rdi + 24]
    mov r9, [rdi + 32]
    movabs rbx, 0x5a5a000000000003
    movabs rbp, 0x5a5a000000000005
    movabs rsi, 0x5a5a000000000006
    movabs rdi, 0x5a5a000000000007
    movabs r12, 0x5a5a00000000000c
    movabs r13, 0x5a5a00000000000d
    movabs r14, 0x5a5a00000000000e
    movabs r15, 0x5a5a00000000000f
    movq xmm6, rbx
    movq xmm7, rbp
    movq xmm8, rsi
    movq xmm9, rdi
    movq xmm10, r12
    movq xmm11, r13
    movq xmm12, r14
    movq xmm13, r15
    movq xmm14, rbx
    movq xmm15, rbp
    call rax
    mov r10, [rsp + 0x20]     // the call
    mov [r10 + 40], rax
    pushfq
    pop qword ptr [r10 + 48]
    xor r11d, r11d
    .macro EXPECT register, low
    movabs rax, 0x5a5a0000000000\low
    cmp \register, rax
    setne al
    movzx eax, al
    add r11, r11
    or r11, rax
    .endm
    .macro EXPECT_VECTOR register, low
    movq rcx, \register
    EXPECT rcx, \low
    .endm
    EXPECT rbx, 03
    EXPECT rbp, 05
    EXPECT rsi, 06
    EXPECT rdi, 07
    EXPECT r12, 0c
    EXPECT r13, 0d
    EXPECT r14, 0e
    EXPECT r15, 0f
    EXPECT_VECTOR xmm6, 03
    EXPECT_VECTOR xmm7, 05
    EXPECT_VECTOR xmm8, 06
    EXPECT_VECTOR xmm9, 07
    EXPECT_VECTOR xmm10, 0c
    EXPECT_VECTOR xmm11, 0d
    EXPECT_VECTOR xmm12, 0e
    EXPECT_VECTOR xmm13, 0f
    EXPECT_VECTOR xmm14, 03
    EXPECT_VECTOR xmm15, 05
    mov [r10 + 56], r11
    mov rsp, [rsp + 0x28]
    cld
    RESTORE_REGISTERS
    ret
