/* A flat binary for real mode, loaded and entered at 0x7c00: prints a line on COM1 and leaves by the debug exit
   with value 42 (status 85). It is a boot sector too, so any PC starts it from a disk. */

    .code16
    .globl _start
_start:
    cli
    cld
    ljmp $0, $1f              /* some firmware enters at 0x07c0:0 */
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $_start, %sp
    movw $message, %si
next:
    movw $0x3fd, %dx          /* line status register */
wait:
    inb %dx, %al
    testb $(1 << 5), %al      /* THRE */
    jz wait
    lodsb
    testb %al, %al
    jz leave
    movw $0x3f8, %dx
    outb %al, %dx
    jmp next
leave:
    movw $0xf4, %dx
    movw $42, %ax
    outw %ax, %dx
halt:
    hlt
    jmp halt

message:
    .asciz "Hello from real mode.\n"

    .org 510                  /* what the firmware knows a boot sector by */
    .word 0xaa55
