    // From the PVH entry point (32-bit protected mode, paging off) to kmain, and from a start-up
    // IPI (16-bit real mode) to ap_main.
    //
    // The contract of entry: "x86/HVM direct boot ABI", Xen documentation, docs/misc/pvh.

    .section .note.pvh, "a", @note
    .long 4, 4, 18            // name size, description size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_start

    .section .boot, "awx", @progbits
    .p2align 12
boot_pml5: .fill 512, 8, 0
boot_pml4: .fill 512, 8, 0
boot_pdpt_low: .fill 512, 8, 0
boot_pdpt_high: .fill 512, 8, 0
boot_pd: .fill 512, 8, 0

    .code32
    .globl pvh_start
pvh_start:
    cli
    mov edi, ebx              // the start info, for kmain

    // 1 GiB of physical memory at 0 and at -2 GiB, in 2 MiB pages
    lea eax, [boot_pdpt_low + 3]
    mov [boot_pml4], eax
    lea eax, [boot_pdpt_high + 3]
    mov [boot_pml4 + 511*8], eax
    lea eax, [boot_pd + 3]
    mov [boot_pdpt_low], eax
    mov [boot_pdpt_high + 510*8], eax
    xor ecx, ecx
2:  mov eax, ecx
    shl eax, 21
    or eax, 0x83
    mov [boot_pd + ecx*8], eax
    inc ecx
    cmp ecx, 512
    jb 2b
    lea eax, [boot_pml4]
    mov [boot_root], eax

    // Five levels can only be chosen while paging is off, so the word of the command line that asks
    // for them ("la57=1") is read here.
    mov esi, [edi + 24]
    test esi, esi
    jz enter_with_root
3:  cmp byte ptr [esi], 0
    je enter_with_root
    cmp dword ptr [esi], 0x3735616c     // "la57"
    jne 4f
    cmp word ptr [esi + 4], 0x313d      // "=1"
    je 5f
4:  inc esi
    jmp 3b
5:  mov eax, 7
    xor ecx, ecx
    mov esi, ebx
    cpuid
    mov edi, esi
    test ecx, 1 << 16                   // CPUID.7:ECX.LA57
    jz enter_with_root
    lea eax, [boot_pml4 + 3]
    mov [boot_pml5], eax
    mov [boot_pml5 + 511*8], eax
    lea eax, [boot_pml5]
    mov [boot_root], eax
    mov dword ptr [boot_cr4], 0x1620    // and LA57

enter_with_root:
    mov eax, [boot_root]
    mov cr3, eax
    .globl enter_long
enter_long:                   // edi: argument of the 64-bit target
    mov eax, cr4
    or eax, [boot_cr4]
    mov cr4, eax
    mov ecx, 0xC0000080
    rdmsr
    or eax, 0x900             // EFER: LME, NXE
    wrmsr
    mov eax, cr0
    and eax, 0xFFFFFFFB       // EM off
    or eax, 0x80010023        // PG, WP, NE, MP, PE
    mov cr0, eax
    lgdt [boot_gdtr]
    .byte 0xEA                // far jump to boot64, in the 64-bit code segment
    .long boot64
    .word 0x08

    .code64
boot64:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    mov rsp, [boot_stack]
    xor ebp, ebp
    mov edi, edi
    mov rax, [boot_target]
    call rax
    ud2

    .p2align 3
boot_gdt: .quad 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
boot_gdtr: .word 23
    .long boot_gdt
    .p2align 3
boot_root: .quad 0
boot_cr4: .quad 0x620         // PAE, OSFXSR, OSXMMEXCPT
    .globl boot_stack, boot_target
boot_stack: .quad boot_stack_top
boot_target: .quad kmain

    // Copied to 0x8000, where the start-up IPI sends the second processor.
    .globl ap_begin, ap_end
    .code16
ap_begin:
    cli
    xor ax, ax
    mov ds, ax
    .byte 0x0F, 0x01, 0x16    // lgdt [ap_gdtr]
    .word 0x8000 + ap_gdtr - ap_begin
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA          // far jump to ap32, in the 32-bit code segment
    .long 0x8000 + ap32 - ap_begin
    .word 0x08
    .code32
ap32:
    mov eax, 0x10
    mov ds, eax
    mov ss, eax
    mov eax, [boot_root]
    mov cr3, eax
    lea eax, [enter_long]
    jmp eax
    .p2align 3
ap_gdt: .quad 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
ap_gdtr: .word 23
    .long 0x8000 + ap_gdt - ap_begin
ap_end:

    .code64
    .section .bss
    .p2align 12
    .fill 65536
boot_stack_top:
    .text
