// syscall(3) for x86-64. Jumps on with everything as the caller left it: vfork and rt_sigreturn do
// not survive a frame between the caller and the kernel's entry.
#if defined(__x86_64__)

        .set    SYS_FUTEX, 202

        .text
        .globl  syscall
        .type   syscall, @function
        .p2align 4
syscall:
        .cfi_startproc
        cmpl    $SYS_FUTEX, %edi
        je      colibri_futex_call
        movq    colibri_libc_syscall(%rip), %rax
        testq   %rax, %rax
        je      1f
        jmpq    *%rax
        // The first call: the arguments must outlive the search.
1:      pushq   %rdi
        .cfi_adjust_cfa_offset 8
        pushq   %rsi
        .cfi_adjust_cfa_offset 8
        pushq   %rdx
        .cfi_adjust_cfa_offset 8
        pushq   %rcx
        .cfi_adjust_cfa_offset 8
        pushq   %r8
        .cfi_adjust_cfa_offset 8
        pushq   %r9
        .cfi_adjust_cfa_offset 8
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    colibri_find_syscall
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r9
        .cfi_adjust_cfa_offset -8
        popq    %r8
        .cfi_adjust_cfa_offset -8
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        popq    %rsi
        .cfi_adjust_cfa_offset -8
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        movq    %rax, colibri_libc_syscall(%rip)
        jmpq    *%rax
        .cfi_endproc
        .size   syscall, . - syscall

        .hidden colibri_futex_call
        .hidden colibri_find_syscall

        .bss
        .p2align 3
        .type   colibri_libc_syscall, @object
        .size   colibri_libc_syscall, 8
colibri_libc_syscall:
        .zero   8

#endif

        .section .note.GNU-stack, "", %progbits
