    // Leaves one thread and goes on in another, at a call of this function or at the start of a thread.

    .text
    // rdi: the stack pointer of the thread to go on in. Returns, in that thread, the stack pointer of
    // the one that was left. System V inside the lab. The vector registers are those of drivers, which
    // rely on them across a call.
    .globl switch_thread
switch_thread:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    sub rsp, 168
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups [rsp + (\n - 6) * 16], xmm\n
    .endr
    mov rax, rsp
    mov rsp, rdi
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups xmm\n, [rsp + (\n - 6) * 16]
    .endr
    add rsp, 168
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret

    // The first return address of a thread.
    .globl start_thread
start_thread:
    mov rdi, rax
    call thread_started
    ud2
