// The instructions Swift has no spelling for, one inline function each and nothing more,
// and the few symbols that the assembly files share with the Swift ones.
// Function names are the mnemonics of the Intel manual (SDM volume 2) where there is one.
#pragma once
#include <stdint.h>

#define INSTRUCTION static inline __attribute__((always_inline))

// Port I/O.

INSTRUCTION void outb(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" :: "a"(value), "Nd"(port));
}

INSTRUCTION void outw(uint16_t port, uint16_t value) {
  __asm__ volatile("outw %0, %1" :: "a"(value), "Nd"(port));
}

INSTRUCTION void outl(uint16_t port, uint32_t value) {
  __asm__ volatile("outl %0, %1" :: "a"(value), "Nd"(port));
}

INSTRUCTION uint8_t inb(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

INSTRUCTION uint16_t inw(uint16_t port) {
  uint16_t value;
  __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

INSTRUCTION uint32_t inl(uint16_t port) {
  uint32_t value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

// `count` byte writes to one port, two instructions each: as near to nothing but the exit as a loop can be.
INSTRUCTION void outb_repeatedly(uint16_t port, uint64_t count) {
  __asm__ volatile("1: outb %%al, %%dx\n\tloop 1b" : "+c"(count) : "a"(0), "d"(port));
}

// Device registers in memory. A plain MOV of the register's width each: a compiler may merge, split or drop
// ordinary loads and stores, and a VMM sees every one of these.

INSTRUCTION uint32_t mmio_read32(uintptr_t address) {
  uint32_t value;
  __asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
  return value;
}

INSTRUCTION void mmio_write32(uintptr_t address, uint32_t value) {
  __asm__ volatile("movl %0, (%1)" :: "r"(value), "r"(address) : "memory");
}

INSTRUCTION void mmio_write8(uintptr_t address, uint8_t value) {
  __asm__ volatile("movb %0, (%1)" :: "q"(value), "r"(address) : "memory");
}

// Processor control.

INSTRUCTION void cli(void) { __asm__ volatile("cli" ::: "memory"); }
INSTRUCTION void sti(void) { __asm__ volatile("sti" ::: "memory"); }
INSTRUCTION void hlt(void) { __asm__ volatile("hlt" ::: "memory"); }
INSTRUCTION void pause_cpu(void) { __asm__ volatile("pause" ::: "memory"); }

// Waits for one interrupt and leaves interrupts off. STI takes effect after the instruction that follows it
// (SDM volume 2, STI), so no interrupt can slip in between and leave HLT waiting for the next one.
INSTRUCTION void wait_for_interrupt(void) { __asm__ volatile("sti; hlt; cli" ::: "memory"); }

INSTRUCTION void ud2(void) { __asm__ volatile("ud2"); }

INSTRUCTION uint64_t rdtsc(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

typedef struct { uint32_t eax, ebx, ecx, edx; } cpuid_leaf;

// CPUID's leaf, the first of its subleaves.
INSTRUCTION cpuid_leaf cpuid(uint32_t number) {
  cpuid_leaf leaf = {.eax = number};
  __asm__ volatile("cpuid" : "+a"(leaf.eax), "=b"(leaf.ebx), "+c"(leaf.ecx), "=d"(leaf.edx));
  return leaf;
}

INSTRUCTION uint64_t read_cr2(void) {
  uint64_t value;
  __asm__ volatile("movq %%cr2, %0" : "=r"(value));
  return value;
}

INSTRUCTION void lidt(uintptr_t base, uint16_t limit) {
  struct __attribute__((packed)) { uint16_t limit; uint64_t base; } descriptor = {limit, base};
  __asm__ volatile("lidt %0" :: "m"(descriptor) : "memory");
}

// Leaves for `address` and never comes back: what an instruction fetch from there does is the point.
INSTRUCTION void jump_to(uintptr_t address) { __asm__ volatile("jmpq *%0" :: "r"(address) : "memory"); }

// What interrupts.S pushes before it calls `handleInterrupt`, lowest address first.
typedef struct {
  uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
  uint64_t vector, error_code;
  uint64_t rip, cs, rflags, rsp, ss;
} interrupt_frame;

// What the boot loader left in EAX and EBX (long-mode.S).
extern const uint32_t boot_magic, boot_information;

// Addresses of the entry stubs of vectors 0 to 63 (interrupts.S).
enum { vector_count = 64 };
extern const uint64_t interrupt_stubs[vector_count];
INSTRUCTION uint64_t interrupt_stub(int32_t vector) { return interrupt_stubs[vector]; }

// Ring 3 and back (user-mode.S).
uint64_t run_in_user_mode(uint64_t code, uint64_t value, uint64_t number);
void load_user_mode(uint64_t number);
extern const uint8_t leave_user_mode[], count_down_in_user_mode[], look_at_time_in_user_mode[];
INSTRUCTION uint64_t leave_user_mode_address(void) { return (uint64_t)(uintptr_t)leave_user_mode; }
INSTRUCTION uint64_t count_down_address(void) { return (uint64_t)(uintptr_t)count_down_in_user_mode; }
INSTRUCTION uint64_t look_at_time_address(void) { return (uint64_t)(uintptr_t)look_at_time_in_user_mode; }

// Real-mode code that a started processor begins with, position independent, and the stack pointer it takes
// on its way (processor-start.S).
extern const uint8_t processor_start[], processor_start_end[];
extern uint64_t processor_stack;
INSTRUCTION uintptr_t processor_start_address(void) { return (uintptr_t)processor_start; }
INSTRUCTION intptr_t processor_start_size(void) { return processor_start_end - processor_start; }

// One stack each for the processors after the first (processor-start.S).
enum { processor_stack_count = 64, processor_stack_size = 8192 };
extern uint8_t processor_stacks[];
INSTRUCTION void select_processor_stack(int32_t index) {
  processor_stack = (uint64_t)(uintptr_t)processor_stacks + (uint64_t)(index + 1) * processor_stack_size;
  __asm__ volatile("" ::: "memory");
}
