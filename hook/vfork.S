// vfork: the child returns from it on the parent's stack, and would overwrite the return address of
// any function that had called libc's. So it is a system call from here; the return address is kept
// in a register over it, and put back by parent and child for themselves.
//
// The child shares the parent's memory, the hooks' books among it: colibri_vfork_returned tells
// these whose turn it is. It is given what they said before, also kept in a register: a child that
// is killed before it has run at all has told them nothing that the parent could undo.

#if defined(__x86_64__)

        .text
        .globl  vfork
        .type   vfork, @function
        .p2align 4
vfork:
        .cfi_startproc
        pop     %rdi
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rdi
        movq    colibri_vfork_depth@gottpoff(%rip), %rsi
        movl    %fs:(%rsi), %esi
        movl    $58, %eax               // SYS_vfork
        syscall
        push    %rdi
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rip, 0
        movq    %rax, %rdi
        jmp     colibri_vfork_returned  // and it returns to our caller
        .cfi_endproc
        .size   vfork, .-vfork
        .globl  __vfork
        .set    __vfork, vfork

#elif defined(__aarch64__)

        .text
        .globl  vfork
        .type   vfork, @function
        .p2align 4
vfork:
        .cfi_startproc
        adrp    x9, :gottprel:colibri_vfork_depth
        ldr     x9, [x9, #:gottprel_lo12:colibri_vfork_depth]
        mrs     x10, tpidr_el0
        ldr     w9, [x10, x9]
        mov     x0, #0x4111             // CLONE_VM | CLONE_VFORK | SIGCHLD
        mov     x1, #0
        mov     x8, #220                // SYS_clone; x30 keeps the return address
        svc     #0
        mov     w1, w9
        b       colibri_vfork_returned
        .cfi_endproc
        .size   vfork, .-vfork
        .globl  __vfork
        .set    __vfork, vfork

#endif
        .section .note.GNU-stack, "", %progbits
