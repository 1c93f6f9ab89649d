/* A flat binary for real mode, loaded and entered at 0x10000: prints 9,600 numbered lines on COM1, 150 KiB, as fast as
   the port takes them, and leaves by the debug exit with value 42 (status 85). A byte that is lost on the way, or out of
   its place, shows in the numbers. */

    .ifndef LINES             /* as --defsym LINES=N; five digits are printed */
    .set LINES, 9600
    .endif
                              /* with --defsym KEY=1 it waits until something is typed */

    .code16
    .globl _start
_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    xorw %ax, %ax
    movw %ax, %ss
    movw $0x7c00, %sp
    movw $0x3fa, %dx          /* FIFO control: on, and empty */
    movb $0x07, %al
    outb %al, %dx
    .ifdef KEY
    movw $0x3fc, %dx          /* modem control: DTR and RTS, it listens */
    movb $0x03, %al
    outb %al, %dx
    movw $0x3fd, %dx
key:
    inb %dx, %al
    testb $(1 << 0), %al      /* DR: data is ready */
    jz key
    .endif
    movw $LINES, %bp
next:
    movw $0x3fd, %dx          /* line status register */
wait:
    inb %dx, %al
    testb $(1 << 5), %al      /* THRE: the FIFO is empty, so it has room for a line's 16 bytes */
    jz wait
    movw $0x3f8, %dx
    movw $line, %si
    movw $(end - line), %cx
    rep outsb
    movw $last, %si           /* counts in decimal, where it is printed */
carry:
    incb (%si)
    cmpb $'9', (%si)
    jbe counted
    movb $'0', (%si)
    decw %si
    jmp carry
counted:
    decw %bp
    jnz next

    movw $0xf4, %dx
    movw $42, %ax
    outw %ax, %dx
halt:
    hlt
    jmp halt

line:
    .ascii "line 0000"
last:
    .ascii "0 here\n"
end:
