// syscall(3) for aarch64: see the one for x86-64.
#if defined(__aarch64__)

        .set    SYS_FUTEX, 98

        .text
        .globl  syscall
        .hidden colibri_futex_call
        .type   syscall, %function
        .p2align 4
syscall:
        .cfi_startproc
        cmp     w0, #SYS_FUTEX
        b.ne    1f
        b       colibri_futex_call      // a conditional branch would not reach everywhere
1:
        mov     x8, x0
        mov     x0, x1
        mov     x1, x2
        mov     x2, x3
        mov     x3, x4
        mov     x4, x5
        mov     x5, x6
        svc     #0
        cmn     x0, #4095
        b.cs    2f
        ret
2:      stp     x30, x19, [sp, #-16]!
        .cfi_adjust_cfa_offset 16
        .cfi_rel_offset x30, 0
        .cfi_rel_offset x19, 8
        neg     w19, w0
        bl      __errno_location
        str     w19, [x0]
        mov     x0, #-1
        ldp     x30, x19, [sp], #16
        .cfi_adjust_cfa_offset -16
        .cfi_restore x30
        .cfi_restore x19
        ret
        .cfi_endproc
        .size   syscall, . - syscall

#endif

        .section .note.GNU-stack, "", %progbits
