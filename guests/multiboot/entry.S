/* A Multiboot 1 header and its entry point (Multiboot Specification 0.6.96, 3.1 and 3.2): 32-bit protected
   mode, EAX = 0x2badb002, EBX = physical address of the information structure. */

    .set MAGIC, 0x1badb002
    .set PAGE_ALIGN, 1 << 0
    .set MEMORY_INFO, 1 << 1
    .set ADDRESSES, 1 << 16   /* the header says where to load what, so the file need not be ELF */

    .section .multiboot, "a", @progbits
    .balign 4
header:
#ifdef ADDRESSES_IN_HEADER
    .set FLAGS, PAGE_ALIGN | MEMORY_INFO | ADDRESSES
#else
    .set FLAGS, PAGE_ALIGN | MEMORY_INFO
#endif
    .long MAGIC
    .long FLAGS
    .long -(MAGIC + FLAGS)
#ifdef ADDRESSES_IN_HEADER
    .long header
    .long header              /* load_addr: the flat file begins with the header */
    .long image_load_end
    .long image_end
    .long _start
#endif

    .section .text.boot, "ax", @progbits
    .code32
    .globl _start
_start:
    jmp enter_long_mode
