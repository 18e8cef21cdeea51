    // `__chkstk`, which a function with more than a page of locals calls: it touches the stack page by
    // page, so that a stack that is too short ends at its guard page. It changes flags, r10 and r11.

    .section .nt_frameless, "ax", @progbits

    // (rax bytes below the caller's stack pointer)
    .globl nt_chkstk
nt_chkstk:
    lea r11, [rsp + 8]
    mov r10, r11
    sub r10, rax
    jnc 1f
    xor r10d, r10d            // more than there are addresses: until the stack ends
1:  sub r11, 4096
    cmp r11, r10
    jb 2f
    test [r11], al
    jmp 1b
2:  test [r10], al
    ret
