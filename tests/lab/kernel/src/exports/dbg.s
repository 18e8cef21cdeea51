    // Functions with variable arguments: the four register arguments are stored in their home area,
    // which the others follow, so that all are one array (x64 calling convention).

    .text
    .macro VARIADIC name, body, fixed
    .globl \name
\name:
    mov [rsp + 8], rcx
    mov [rsp + 16], rdx
    mov [rsp + 24], r8
    mov [rsp + 32], r9
    lea rdx, [rsp + 8 + \fixed * 8]
    lea rcx, [rsp + 8]
    sub rsp, 0x28
    call \body
    add rsp, 0x28
    ret
    .endm
    VARIADIC nt_dbg_print, dbg_print, 1
    VARIADIC nt_dbg_print_ex, dbg_print_ex, 3
