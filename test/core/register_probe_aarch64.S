// Puts known values into every callee-saved register, switches, and looks whether they are still
// there afterwards. See register_probe.h.
#if defined(__aarch64__)

        .text

// bool probe_registers(const std::uint64_t* values, StackPointer* save, StackPointer target,
//                      SwitchFunction function)
        .globl  probe_registers
        .type   probe_registers, %function
probe_registers:
        stp     x29, x30, [sp, #-176]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        str     x0, [sp, #160]
        ldp     x19, x20, [x0]
        ldp     x21, x22, [x0, #16]
        ldp     x23, x24, [x0, #32]
        ldp     x25, x26, [x0, #48]
        ldp     x27, x28, [x0, #64]
        ldr     x29, [x0, #80]
        ldp     d8, d9, [x0, #88]
        ldp     d10, d11, [x0, #104]
        ldp     d12, d13, [x0, #120]
        ldp     d14, d15, [x0, #136]
        mov     x0, x1
        mov     x1, x2
        blr     x3

        .macro  COMPARE register, offset
        ldr     x2, [x0, #\offset]
        eor     x2, x2, \register
        orr     x1, x1, x2
        .endm
        .macro  COMPARE_DOUBLE register, offset
        fmov    x3, \register
        COMPARE x3, \offset
        .endm

        ldr     x0, [sp, #160]
        mov     x1, #0
        COMPARE x19, 0
        COMPARE x20, 8
        COMPARE x21, 16
        COMPARE x22, 24
        COMPARE x23, 32
        COMPARE x24, 40
        COMPARE x25, 48
        COMPARE x26, 56
        COMPARE x27, 64
        COMPARE x28, 72
        COMPARE x29, 80
        COMPARE_DOUBLE d8, 88
        COMPARE_DOUBLE d9, 96
        COMPARE_DOUBLE d10, 104
        COMPARE_DOUBLE d11, 112
        COMPARE_DOUBLE d12, 120
        COMPARE_DOUBLE d13, 128
        COMPARE_DOUBLE d14, 136
        COMPARE_DOUBLE d15, 144
        cmp     x1, #0
        cset    w0, eq
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #176
        ret
        .size   probe_registers, .-probe_registers

        .section .rodata
        .globl  probed_register_count
        .type   probed_register_count, %object
        .size   probed_register_count, 8
        .p2align 3
probed_register_count:
        .xword  19

#endif
        .section .note.GNU-stack, "", %progbits
