/* From 32-bit protected mode without paging to a function in 64-bit mode, on a stack, with the first 4 GiB
   mapped onto themselves. */

    .section .text.boot, "ax", @progbits
    .code32

/* The first processor arrives here from the boot protocol's entry point, with the boot loader's greeting in EAX
   and EBX, which `boot_magic` and `boot_information` keep. */
    .globl enter_long_mode
enter_long_mode:
    cli
    cld
    movl %eax, boot_magic
    movl %ebx, boot_information
    lgdt gdt_pointer
    movl $boot_stack_end, %esp
    movl $main, %ebx

/* The part all processors share. ESP = stack, EBX = function to call, GDTR = the table below.
   Order of the steps: SDM volume 3, 9.8.5. */
    .globl call_in_long_mode
call_in_long_mode:
    movl $page_map, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $(1 << 5), %eax       /* CR4.PAE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx    /* IA32_EFER */
    rdmsr
    orl $(1 << 8), %eax       /* LME */
    wrmsr
    movl %cr0, %eax
    orl $0x80010001, %eax     /* PG, WP, PE */
    movl %eax, %cr0
    ljmp $0x08, $in_long_mode

    .code64
in_long_mode:
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %esp, %esp           /* the upper half of RSP is undefined after the switch */
    movl %ebx, %ebx
    xorl %ebp, %ebp           /* where a walk up the frames ends */
    call *%rbx
halt:
    cli
    hlt
    jmp halt

    .section .data.boot, "aw", @progbits
    .balign 8
    .globl gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff  /* 0x08: 64-bit code */
    .quad 0x00cf93000000ffff  /* 0x10: data, 4 GiB */
    .quad 0x00cf9b000000ffff  /* 0x18: 32-bit code, 4 GiB */
    .quad 0x00cff3000000ffff  /* 0x20: data for ring 3 */
    .quad 0x00affb000000ffff  /* 0x28: 64-bit code for ring 3 */
    .globl gdt_tasks
gdt_tasks:                    /* from 0x30: task state segments of 104 bytes, whose addresses user-mode.S puts in */
    .rept 8
    .quad 0x0000890000000067
    .quad 0
    .endr
    .globl gdt_limit
    .set gdt_limit, . - gdt - 1
gdt_pointer:
    .word gdt_limit
    .long gdt

    .globl boot_magic, boot_information
    .balign 4
boot_magic:
    .long 0
boot_information:
    .long 0

/* Page tables made by the assembler, 2 MiB pages: filling them at boot would be 2,048 stores, dear where each
   instruction is emulated. Bits: present 1, writable 2, for ring 3 too 4, page size
   0x80. */
    .balign 4096
page_map:
    .quad page_directory_pointers + 0x7
    .fill 511, 8, 0
page_directory_pointers:
    .quad page_directories + 0x0007, page_directories + 0x1007
    .quad page_directories + 0x2007, page_directories + 0x3007
    .fill 508, 8, 0
page_directories:
    .set page, 0
    .rept 2048
    .quad page + 0x87
    .set page, page + 0x200000
    .endr

    .section .bss.boot_stack, "aw", @nobits
    .balign 16
    .skip 32768
boot_stack_end:
