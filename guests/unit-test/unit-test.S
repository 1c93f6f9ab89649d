/* A guest of the kind of kvm-unit-tests: Multiboot in an ELF32 file linked at 4 MiB, no module, its words from the boot
   information, output by a polled COM1, and an end by four bytes to the debug exit. It prints its command line and leaves
   with value 0 (status 1), what kvm-unit-tests calls a success, or with 1 (status 3) when the machine is not as it
   should be. */

    .set MAGIC, 0x1badb002
    .set COMMAND_LINE, 16     /* offsets in the boot information (Multiboot 0.6.96, 3.3) */
    .set HAS_COMMAND_LINE, 1 << 2

    .code32
    .text
    .globl _start
    .balign 4
    .long MAGIC, 0, -MAGIC

_start:
    movl $stack, %esp
    movl $1, %edi             /* the exit's value */
    cmpl $0x2badb002, %eax
    jne leave
    testl $HAS_COMMAND_LINE, (%ebx)
    jz leave
    movl %cr0, %eax           /* protected, not paged (3.2) */
    andl $0x80000001, %eax
    cmpl $1, %eax
    jne leave
    movl COMMAND_LINE(%ebx), %esi
next:
    lodsb
    testb %al, %al
    jz done
    call print
    jmp next
done:
    movb $'\n', %al
    call print
    xorl %edi, %edi
leave:
    movl %edi, %eax
    movw $0xf4, %dx
    outl %eax, %dx
halt:
    cli
    hlt
    jmp halt

print:
    movb %al, %cl
    movw $0x3fd, %dx          /* line status register */
wait:
    inb %dx, %al
    testb $(1 << 5), %al      /* THRE */
    jz wait
    movb %cl, %al
    movw $0x3f8, %dx
    outb %al, %dx
    ret

    .bss
    .balign 16
    .skip 256
stack:
