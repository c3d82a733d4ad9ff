// The switch for aarch64, AAPCS64. context.cc lays out first frames to match it.
//
// Saved frame, from the stack pointer up: d8-d15, x19-x28, x29, x30 (160 bytes).
#if defined(__aarch64__)

        .text

        .macro LOAD_REGISTERS
        ldp     d8, d9, [sp, #0]
        ldp     d10, d11, [sp, #16]
        ldp     d12, d13, [sp, #32]
        ldp     d14, d15, [sp, #48]
        ldp     x19, x20, [sp, #64]
        ldp     x21, x22, [sp, #80]
        ldp     x23, x24, [sp, #96]
        ldp     x25, x26, [sp, #112]
        ldp     x27, x28, [sp, #128]
        ldp     x29, x30, [sp, #144]
        add     sp, sp, #160
        .endm

        .macro SAVE_REGISTERS
        sub     sp, sp, #160
        .cfi_adjust_cfa_offset 160
        stp     d8, d9, [sp, #0]
        stp     d10, d11, [sp, #16]
        stp     d12, d13, [sp, #32]
        stp     d14, d15, [sp, #48]
        stp     x19, x20, [sp, #64]
        .cfi_rel_offset x19, 64
        .cfi_rel_offset x20, 72
        stp     x21, x22, [sp, #80]
        .cfi_rel_offset x21, 80
        .cfi_rel_offset x22, 88
        stp     x23, x24, [sp, #96]
        .cfi_rel_offset x23, 96
        .cfi_rel_offset x24, 104
        stp     x25, x26, [sp, #112]
        .cfi_rel_offset x25, 112
        .cfi_rel_offset x26, 120
        stp     x27, x28, [sp, #128]
        .cfi_rel_offset x27, 128
        .cfi_rel_offset x28, 136
        stp     x29, x30, [sp, #144]
        .cfi_rel_offset x29, 144
        .cfi_rel_offset x30, 152
        mov     x9, sp
        str     x9, [x0]
        .endm

        // LOAD_REGISTERS, and what unwinders must know of it.
        .macro RESTORE_REGISTERS
        LOAD_REGISTERS
        .cfi_adjust_cfa_offset -160
        .irp register, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30
        .cfi_restore \register
        .endr
        .endm

// void colibri_context_switch(StackPointer* save, StackPointer target)
        .globl  colibri_context_switch
        .hidden colibri_context_switch
        .type   colibri_context_switch, %function
        .p2align 4
colibri_context_switch:
        .cfi_startproc
        SAVE_REGISTERS
        mov     sp, x1
        RESTORE_REGISTERS
        ret
        .cfi_endproc
        .size   colibri_context_switch, .-colibri_context_switch

// void colibri_context_switch_through(StackPointer* save, void* stack_top, ContextEntry choose,
//                                     void* argument)
        .globl  colibri_context_switch_through
        .hidden colibri_context_switch_through
        .type   colibri_context_switch_through, %function
        .p2align 4
colibri_context_switch_through:
        .cfi_startproc
        SAVE_REGISTERS
        mov     sp, x1
        .cfi_remember_state
        .cfi_undefined x30
        mov     x0, x3
        blr     x2
        mov     sp, x0
        .cfi_restore_state
        RESTORE_REGISTERS
        ret
        .cfi_endproc
        .size   colibri_context_switch_through, .-colibri_context_switch_through

// A fresh coroutine arrives here with its entry in x19 and the argument in x20. The entry returns
// the stack pointer of the flow that runs next. Unwinders look up the instruction before a
// return address: first frames return to the one behind the nop, so that a coroutine that never ran
// is seen to be here, too.
        .globl  colibri_context_entry
        .hidden colibri_context_entry
        .type   colibri_context_entry, %function
        .p2align 4
        .cfi_startproc
        .cfi_undefined x30
colibri_context_entry:
        nop
        mov     x0, x20
        blr     x19
        mov     sp, x0
        LOAD_REGISTERS
        ret
        .cfi_endproc
        .size   colibri_context_entry, .-colibri_context_entry

#endif
        .section .note.GNU-stack, "", %progbits
