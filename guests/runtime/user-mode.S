/* To ring 3 and back. Where ring 0 is emulated, ring 3 may run natively, so this is the place for work that takes time.
   The runtime's page tables let ring 3 see all memory. Interrupts stay off. */

    .section .text.user_mode, "ax", @progbits
    .code64

/* uint64_t run_in_user_mode(uint64_t code, uint64_t value, uint64_t number): CODE starts in ring 3 with VALUE in RDI and no
   stack, and comes back by executing HLT there, which is a general protection exception (SDM volume 2, HLT); RDI is the
   result. `leave_user_mode` must be the handler of that exception, and NUMBER the one given to `load_user_mode`. */
    .globl run_in_user_mode
run_in_user_mode:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp             /* the processor aligns the stack that it takes by 16 */
    imulq $112, %rdx, %rdx
    /* It takes this stack when it comes back to ring 0 (SDM volume 3, 7.7). */
    movq %rsp, user_mode_tasks + 4(%rdx)
    movq %rdi, %rax
    movq %rsi, %rdi
    pushq $0x23               /* SS: the data segment of ring 3 */
    pushq $0                  /* RSP */
    pushq $0x2                /* RFLAGS */
    pushq $0x2b               /* CS: the code segment of ring 3 */
    pushq %rax
    iretq

    .globl leave_user_mode
leave_user_mode:
    addq $56, %rsp            /* what the processor has pushed: SS, RSP, RFLAGS, CS, RIP and an error code; and the 8 bytes */
    movq %rdi, %rax
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* void load_user_mode(uint64_t number): gives the processor a task state segment of its own, by a number below 8. */
    .globl load_user_mode
load_user_mode:
    imulq $112, %rdi, %rax
    addq $user_mode_tasks, %rax
    shlq $4, %rdi
    movw %ax, gdt_tasks + 2(%rdi)
    shrq $16, %rax
    movb %al, gdt_tasks + 4(%rdi)
    movb %ah, gdt_tasks + 7(%rdi)
    addl $0x30, %edi
    ltr %di
    ret

/* Counts RDI down to 0, each time by a million turns; then back. */
    .globl count_down_in_user_mode
count_down_in_user_mode:
    movl $1000000, %ecx
1:  decl %ecx
    jnz 1b
    decq %rdi
    jnz count_down_in_user_mode
    hlt

/* Reads the time stamp counter again and again, RDI ticks long; RDI becomes the longest time from one reading to the next. */
    .globl look_at_time_in_user_mode
look_at_time_in_user_mode:
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %r8            /* the last reading */
    leaq (%rax, %rdi), %r9    /* the end */
    xorl %edi, %edi
1:  rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %rdx
    subq %r8, %rdx
    cmpq %rdi, %rdx
    cmovaq %rdx, %rdi
    movq %rax, %r8
    cmpq %r9, %rax
    jb 1b
    hlt

    .section .data.user_mode, "aw", @progbits
    .balign 16
user_mode_tasks:
    .fill 8 * 112, 1, 0
