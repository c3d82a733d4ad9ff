// syscall(3) for x86-64: SYS_futex goes to our own code, all else into the kernel, as libc's does.
// No frame and no compiled code lies between: vfork and rt_sigreturn would not survive it, and
// sanitizers come here before they are ready.
#if defined(__x86_64__)

        .set    SYS_FUTEX, 202

        .text
        .globl  syscall
        .hidden colibri_futex_call
        .type   syscall, @function
        .p2align 4
syscall:
        .cfi_startproc
        cmpl    $SYS_FUTEX, %edi
        je      colibri_futex_call
        movq    %rdi, %rax
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        movq    %rcx, %rdx
        movq    %r8, %r10
        movq    %r9, %r8
        movq    8(%rsp), %r9
        syscall
        cmpq    $-4095, %rax
        jae     1f
        ret
1:      negl    %eax
        pushq   %rax
        .cfi_adjust_cfa_offset 8
        call    __errno_location@PLT
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        movl    %ecx, (%rax)
        movq    $-1, %rax
        ret
        .cfi_endproc
        .size   syscall, . - syscall

#endif

        .section .note.GNU-stack, "", %progbits
