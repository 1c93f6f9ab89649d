/* The way from an interrupt or exception to Swift's `handleInterrupt` and back.
   One stub per vector, because the processor does not say which vector it took. */

    .section .text.interrupts, "ax", @progbits
    .code64
    .altmacro

    .macro STUB vector
stub_\vector:
    /* Some push an error code themselves (SDM volume 3, table 6-1); for the rest a zero makes the frames alike. */
    .if !((\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17) || (\vector == 21))
    pushq $0
    .endif
    pushq $\vector
    jmp save_and_call
    .endm

    .set number, 0
    .rept 64
    STUB %number
    .set number, number + 1
    .endr

/* Pushes the rest of an `interrupt_frame` (hardware.h) and passes its address. RBP, which the callee keeps,
   remembers the frame while the stack is aligned as the calling convention wants it. */
save_and_call:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call handleInterrupt
    movq %rbp, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp            /* vector and error code */
    iretq

    .section .rodata.interrupts, "a", @progbits
    .balign 8
    .globl interrupt_stubs
    .macro STUB_ADDRESS vector
    .quad stub_\vector
    .endm
interrupt_stubs:
    .set number, 0
    .rept 64
    STUB_ADDRESS %number
    .set number, number + 1
    .endr
