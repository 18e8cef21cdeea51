    // Leaves one thread and goes on in another, at a call of this function or at the start of a thread.

    .text
    // rdi: the stack pointer of the thread to go on in. Returns, in that thread, the stack pointer of
    // the one that was left. System V inside the lab. The vector registers are those of drivers, which
    // rely on them across a call.
    .globl switch_thread
switch_thread:
    SAVE_REGISTERS
    mov rax, rsp
    mov rsp, rdi
    RESTORE_REGISTERS
    ret

    // The first return address of a thread.
    .globl start_thread
start_thread:
    mov rdi, rax
    call thread_started
    ud2
