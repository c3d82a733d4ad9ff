// The switch for x86-64, System V ABI. context.h has its usual, inlined form; context.cc lays out
// first frames to match both.
//
// Saved frame, from the stack pointer up: rbx, rbp, the address to go on at. There the flow restores
// its other registers by itself.
#if defined(__x86_64__)

        .text

        // Leaves the running flow: what it does not restore at label 1, and the frame.
        .macro LEAVE
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        .cfi_remember_state
        leaq    1f(%rip), %rax
        pushq   %rax
        .cfi_adjust_cfa_offset 8
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        movq    %rsp, (%rdi)
        .endm

        // Goes on with the flow whose frame the stack pointer has reached.
        .macro CONTINUE
        popq    %rbx
        popq    %rbp
        popq    %rcx
        jmpq    *%rcx
        .endm

        // Where a flow that LEAVE has left goes on. Unwinders look up the instruction before, which
        // is never run.
        .macro RETURN
        .cfi_restore_state
        nop
1:      popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        ret
        .endm

// void colibri_context_switch(StackPointer* save, StackPointer target)
        .globl  colibri_context_switch
        .hidden colibri_context_switch
        .type   colibri_context_switch, @function
        .p2align 4
colibri_context_switch:
        .cfi_startproc
        LEAVE
        movq    %rsi, %rsp
        CONTINUE
        RETURN
        .cfi_endproc
        .size   colibri_context_switch, .-colibri_context_switch

// void colibri_context_switch_through(StackPointer* save, void* stack_top, ContextEntry choose,
//                                     void* argument)
        .globl  colibri_context_switch_through
        .hidden colibri_context_switch_through
        .type   colibri_context_switch_through, @function
        .p2align 4
colibri_context_switch_through:
        .cfi_startproc
        LEAVE
        movq    %rsi, %rsp
        .cfi_undefined rip
        movq    %rcx, %rdi
        callq   *%rdx
        movq    %rax, %rsp
        CONTINUE
        RETURN
        .cfi_endproc
        .size   colibri_context_switch_through, .-colibri_context_switch_through

// A fresh coroutine arrives here; the rest of its first frame is its entry, the argument and the top
// of its stack. The entry returns the stack pointer of the flow that runs next. Unwinders look up the
// instruction before a return address: first frames return to the one behind the nop, so that a
// coroutine that never ran is seen to be here, too.
        .globl  colibri_context_entry
        .hidden colibri_context_entry
        .type   colibri_context_entry, @function
        .p2align 4
        .cfi_startproc
        .cfi_undefined rip
colibri_context_entry:
        nop
        popq    %rax
        popq    %rdi
        popq    %rsp
        callq   *%rax
        movq    %rax, %rsp
        CONTINUE
        .cfi_endproc
        .size   colibri_context_entry, .-colibri_context_entry

#endif
        .section .note.GNU-stack, "", %progbits
