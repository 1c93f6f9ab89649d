/* Where a processor begins after INIT and a start-up IPI: real mode, CS:IP = page of the IPI's vector : 0
   (SDM volume 3, 8.4.4). The 16-bit part is copied to a page below 1 MiB first, so it refers to itself by
   offsets from its beginning and to everything else by linked addresses. */

    .section .rodata.processor_start, "ax", @progbits
    .code16
    .globl processor_start, processor_start_end
processor_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl started_gdt_pointer - processor_start
    movl %cr0, %eax
    orl $1, %eax              /* CR0.PE */
    movl %eax, %cr0
    ljmpl $0x18, $processor_protected
started_gdt_pointer:
    .word gdt_limit           /* the table in long-mode.S */
    .long gdt
processor_start_end:

    .section .text.processor_start, "ax", @progbits
    .code32
processor_protected:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl processor_stack, %esp
    movl $processorMain, %ebx
    jmp call_in_long_mode

    .section .data.processor_start, "aw", @progbits
    .balign 8
    .globl processor_stack
processor_stack:
    .quad 0

    .section .bss.processor_stacks, "aw", @nobits
    .balign 16
    .globl processor_stacks
processor_stacks:
    .skip 64 * 8192           /* processor_stack_count * processor_stack_size (hardware.h) */
