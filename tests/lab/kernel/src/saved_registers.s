    // The registers that a callee must preserve, on the stack: those of System V, and the vector registers
    // that the x64 calling convention of drivers adds.

    // Each file that uses them includes this one, and the assembler may see the files as one.
    .ifndef saved_registers
    .set saved_registers, 1

    .macro SAVE_REGISTERS
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
    .endm

    .macro RESTORE_REGISTERS
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
    .endm

    .endif
