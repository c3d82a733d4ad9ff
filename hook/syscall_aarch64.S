// syscall(3) for aarch64. Jumps on with everything as the caller left it: see the one for x86-64.
#if defined(__aarch64__)

        .set    SYS_FUTEX, 98

        .text
        .globl  syscall
        .type   syscall, %function
        .p2align 4
syscall:
        .cfi_startproc
        cmp     w0, #SYS_FUTEX
        b.eq    colibri_futex_call
        adrp    x9, colibri_libc_syscall
        ldr     x10, [x9, #:lo12:colibri_libc_syscall]
        cbz     x10, 1f
        br      x10
        // The first call: the arguments must outlive the search.
1:      stp     x29, x30, [sp, #-80]!
        .cfi_adjust_cfa_offset 80
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        stp     x0, x1, [sp, #16]
        stp     x2, x3, [sp, #32]
        stp     x4, x5, [sp, #48]
        str     x6, [sp, #64]
        bl      colibri_find_syscall
        mov     x10, x0
        adrp    x9, colibri_libc_syscall
        str     x10, [x9, #:lo12:colibri_libc_syscall]
        ldp     x0, x1, [sp, #16]
        ldp     x2, x3, [sp, #32]
        ldp     x4, x5, [sp, #48]
        ldr     x6, [sp, #64]
        ldp     x29, x30, [sp], #80
        .cfi_adjust_cfa_offset -80
        .cfi_restore x29
        .cfi_restore x30
        br      x10
        .cfi_endproc
        .size   syscall, . - syscall

        .hidden colibri_futex_call
        .hidden colibri_find_syscall

        .bss
        .p2align 3
        .type   colibri_libc_syscall, %object
        .size   colibri_libc_syscall, 8
colibri_libc_syscall:
        .zero   8

#endif

        .section .note.GNU-stack, "", %progbits
