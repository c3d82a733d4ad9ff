// Puts known values into every callee-saved register, switches, and looks whether they are still
// there afterwards. See register_probe.h.
#if defined(__x86_64__)

        .text

// bool probe_registers(const std::uint64_t* values, StackPointer* save, StackPointer target,
//                      SwitchFunction function)
        .globl  probe_registers
        .type   probe_registers, @function
probe_registers:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        pushq   %rdi
        movq    0(%rdi), %rbp
        movq    8(%rdi), %rbx
        movq    16(%rdi), %r12
        movq    24(%rdi), %r13
        movq    32(%rdi), %r14
        movq    40(%rdi), %r15
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        callq   *%rcx
        popq    %rdi
        xorl    %eax, %eax
        cmpq    0(%rdi), %rbp
        jne     1f
        cmpq    8(%rdi), %rbx
        jne     1f
        cmpq    16(%rdi), %r12
        jne     1f
        cmpq    24(%rdi), %r13
        jne     1f
        cmpq    32(%rdi), %r14
        jne     1f
        cmpq    40(%rdi), %r15
        jne     1f
        movl    $1, %eax
1:
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .size   probe_registers, .-probe_registers

        .section .rodata
        .globl  probed_register_count
        .type   probed_register_count, @object
        .size   probed_register_count, 8
        .p2align 3
probed_register_count:
        .quad   6

#endif
        .section .note.GNU-stack, "", %progbits
