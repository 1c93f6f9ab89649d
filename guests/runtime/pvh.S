/* The PVH entry: a note tells the loader where to start, in 32-bit protected mode without paging,
   EBX = physical address of the start info (Xen, docs/misc/pvh.pandoc). */

    .section .note.pvh, "a", @note
    .balign 4
    .long 4                   /* bytes of the name, its zero included */
    .long 8                   /* bytes of the description */
    .long 18                  /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad _start

    .section .text.boot, "ax", @progbits
    .code32
    .globl _start
_start:
    jmp enter_long_mode
