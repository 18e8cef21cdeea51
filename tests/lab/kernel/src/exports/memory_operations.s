    // The C library's memory functions that ntoskrnl.exe exports. A driver may pass user addresses
    // to them inside a guard, so that a fault is the driver's. They have no unwind data and no
    // stack frame, and are in a section where the dispatcher finds them.

    .section .nt_frameless, "ax", @progbits

    // (rcx destination, rdx source, r8 bytes) -> destination; ranges may overlap
    .globl nt_memmove
nt_memmove:
    mov rax, rcx
    mov r9, rcx
    sub r9, rdx
    cmp r9, r8
    jb 5f                     // the destination starts inside the source: from the end
    xor r9d, r9d
1:  lea r10, [r9 + 8]
    cmp r10, r8
    ja 2f
    mov r11, [rdx + r9]
    mov [rcx + r9], r11
    mov r9, r10
    jmp 1b
2:  cmp r9, r8
    jae 3f
    mov r11b, [rdx + r9]
    mov [rcx + r9], r11b
    inc r9
    jmp 2b
3:  ret
5:  test r8, r8
    jz 3b
    dec r8
    mov r11b, [rdx + r8]
    mov [rcx + r8], r11b
    jmp 5b

    // (rcx destination, dl byte, r8 bytes) -> destination
    .globl nt_memset
nt_memset:
    mov rax, rcx
    movzx edx, dl
    movabs r10, 0x0101010101010101
    imul r10, rdx
    xor r9d, r9d
5:  lea r11, [r9 + 8]
    cmp r11, r8
    ja 1f
    mov [rcx + r9], r10
    mov r9, r11
    jmp 5b
1:  cmp r9, r8
    jae 2f
    mov [rcx + r9], dl
    inc r9
    jmp 1b
2:  ret

    // (rcx one, rdx other, r8 bytes) -> difference of the first bytes that differ
    .globl nt_memcmp
nt_memcmp:
    xor r9d, r9d
1:  cmp r9, r8
    jae 2f
    movzx eax, byte ptr [rcx + r9]
    movzx r10d, byte ptr [rdx + r9]
    inc r9
    sub eax, r10d
    jz 1b
    ret
2:  xor eax, eax
    ret

    // RtlCompareMemory: (rcx one, rdx other, r8 bytes) -> bytes that are equal
    .globl nt_compare_memory
nt_compare_memory:
    xor eax, eax
1:  cmp rax, r8
    jae 2f
    mov r9b, [rcx + rax]
    cmp r9b, [rdx + rax]
    jne 2f
    inc rax
    jmp 1b
2:  ret
    .text
