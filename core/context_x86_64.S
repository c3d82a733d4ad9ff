// The switch for x86-64, System V ABI. context.cc lays out first frames to match it.
//
// Saved frame, from the stack pointer up: r15 r14 r13 r12 rbx rbp, return address.
#if defined(__x86_64__)

        .text

        .macro SAVE_REGISTERS
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
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
        .endm

        .macro RESTORE_REGISTERS
        popq    %r15
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
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        .endm

// void colibri_context_switch(StackPointer* save, StackPointer target)
        .globl  colibri_context_switch
        .hidden colibri_context_switch
        .type   colibri_context_switch, @function
        .p2align 4
colibri_context_switch:
        .cfi_startproc
        SAVE_REGISTERS
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        RESTORE_REGISTERS
        ret
        .cfi_endproc
        .size   colibri_context_switch, .-colibri_context_switch

// void colibri_context_jump(StackPointer* save, StackPointer target)
        .globl  colibri_context_jump
        .hidden colibri_context_jump
        .type   colibri_context_jump, @function
        .p2align 4
colibri_context_jump:
        .cfi_startproc
        SAVE_REGISTERS
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        RESTORE_REGISTERS
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        jmpq    *%rcx
        .cfi_endproc
        .size   colibri_context_jump, .-colibri_context_jump

// void colibri_context_switch_through(StackPointer* save, void* stack_top, ContextEntry choose,
//                                     void* argument)
// `choose` is called and returns: the processor's return stack stays right.
        .globl  colibri_context_switch_through
        .hidden colibri_context_switch_through
        .type   colibri_context_switch_through, @function
        .p2align 4
colibri_context_switch_through:
        .cfi_startproc
        SAVE_REGISTERS
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        .cfi_remember_state
        .cfi_undefined rip
        movq    %rcx, %rdi
        callq   *%rdx
        movq    %rax, %rsp
        .cfi_restore_state
        RESTORE_REGISTERS
        ret
        .cfi_endproc
        .size   colibri_context_switch_through, .-colibri_context_switch_through

// A fresh coroutine arrives here with its entry in r12, the argument in r13 and the top of its
// stack in r14, since first frames may lie elsewhere. The entry returns
// the stack pointer of the flow that runs next. Since it returns, and nothing else is called here,
// the processor's return stack is as it was when the coroutine began: the last `ret` is predicted.
// Unwinders look up the instruction before a return address: first frames return to the one behind
// the nop, so that a coroutine that never ran is seen to be here, too.
        .globl  colibri_context_entry
        .hidden colibri_context_entry
        .type   colibri_context_entry, @function
        .p2align 4
        .cfi_startproc
        .cfi_undefined rip
colibri_context_entry:
        nop
        movq    %r14, %rsp
        movq    %r13, %rdi
        callq   *%r12
        movq    %rax, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .cfi_endproc
        .size   colibri_context_entry, .-colibri_context_entry

#endif
        .section .note.GNU-stack, "", %progbits
