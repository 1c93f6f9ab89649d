/* The least that a program must do to run one of our guests on KVM: the measure for what rowhouse-vmm adds to it.
 *
 *   bare KERNEL [MEMORY-MIB [WORD…]]
 *
 * KERNEL is an ELF64 file with a PVH note. Its serial port is a register that is always ready and prints to standard
 * output; its machine ends when it writes S5 to the sleep control, at the ports where rowhouse-vmm has the two. Every
 * structure is as the kernel's virt/kvm/api.rst, the ELF format and Xen's "PVH entry point" describe it. No errors but
 * fatal ones, no features, no tables: what rowhouse-vmm is compared with is this program's time. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  SERIAL_DATA = 0x3f8, SERIAL_LINE_CONTROL = 0x3fb, SERIAL_STATUS = 0x3fd,
  SLEEP_CONTROL = 0x604, SLEEP_ENABLE = 1 << 13,
  START_INFO = 0x6000, MEMORY_MAP = 0x6100, COMMAND_LINE = 0x10000, GDT = 0x5000, RSDP = 0xe0000,
  PVH_ENTRY_NOTE = 18, PVH_MAGIC = 0x336ec578, USABLE = 1, RESERVED = 2,
};

static void must(long result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

struct start_info {
  uint32_t magic, version, flags, module_count;
  uint64_t modules, command_line, rsdp, memory_map;
  uint32_t memory_map_entries, reserved;
};

struct memory_range {
  uint64_t address, size;
  uint32_t kind, reserved;
};

/* Puts the segments in their places and returns the entry point that the note names. */
static uint32_t load(const char *path, char *memory) {
  int file = open(path, O_RDONLY);
  must(file, path);
  Elf64_Ehdr elf;
  Elf64_Phdr headers[16];
  must(pread(file, &elf, sizeof elf, 0), "pread");
  must(pread(file, headers, elf.e_phnum * sizeof *headers, elf.e_phoff), "pread");
  uint32_t entry = 0;
  for (int i = 0; i < elf.e_phnum; i++) {
    if (headers[i].p_type == PT_LOAD) {
      must(pread(file, memory + headers[i].p_paddr, headers[i].p_filesz, headers[i].p_offset), "pread");
    } else if (headers[i].p_type == PT_NOTE) {
      struct { Elf64_Nhdr header; char name[4]; uint32_t entry; } note;
      must(pread(file, &note, sizeof note, headers[i].p_offset), "pread");
      if (note.header.n_type == PVH_ENTRY_NOTE) entry = note.entry;
    }
  }
  close(file);
  return entry;
}

static void describe_machine(char *memory, uint64_t bytes, int words, char **word) {
  /* The map of rowhouse-vmm, and a place for its tables, so that the guest has the same to print. */
  struct memory_range map[] = {
      {.size = 0x9fc00, .kind = USABLE}, {.address = 0x9fc00, .size = 0x400, .kind = RESERVED},
      {.address = RSDP, .size = 0x20000, .kind = RESERVED}, {.address = 0x100000, .size = bytes - 0x100000, .kind = USABLE}};
  memcpy(memory + MEMORY_MAP, map, sizeof map);
  char *text = memory + COMMAND_LINE;
  for (int i = 0; i < words; i++) text += sprintf(text, "%s%s", i ? " " : "", word[i]);
  *(struct start_info *)(memory + START_INFO) = (struct start_info){
      .magic = PVH_MAGIC, .version = 1, .command_line = COMMAND_LINE, .rsdp = RSDP,
      .memory_map = MEMORY_MAP, .memory_map_entries = sizeof map / sizeof *map};
  uint64_t *gdt = (void *)(memory + GDT);
  gdt[2] = 0x00cf9b000000ffff; /* code and data: flat, 32-bit */
  gdt[3] = 0x00cf93000000ffff;
}

static void enter_protected_mode(int cpu, uint32_t entry) {
  struct kvm_sregs special;
  must(ioctl(cpu, KVM_GET_SREGS, &special), "KVM_GET_SREGS");
  struct kvm_segment code = {.limit = ~0u, .selector = 0x10, .type = 0xb, .present = 1, .db = 1, .s = 1, .g = 1};
  struct kvm_segment data = code;
  data.selector = 0x18;
  data.type = 3;
  special.cs = code;
  special.ds = special.es = special.fs = special.gs = special.ss = data;
  special.gdt.base = GDT;
  special.gdt.limit = 4 * 8 - 1;
  special.cr0 |= 1;
  must(ioctl(cpu, KVM_SET_SREGS, &special), "KVM_SET_SREGS");
  struct kvm_regs registers = {.rip = entry, .rbx = START_INFO, .rflags = 2};
  must(ioctl(cpu, KVM_SET_REGS, &registers), "KVM_SET_REGS");
}

static void run(int cpu, struct kvm_run *shared) {
  int divisor_latch = 0; /* while it is open, the data register is the baud rate */
  for (;;) {
    must(ioctl(cpu, KVM_RUN, 0), "KVM_RUN");
    if (shared->exit_reason != KVM_EXIT_IO) {
      fprintf(stderr, "bare: exit reason %u\n", shared->exit_reason);
      exit(1);
    }
    char *data = (char *)shared + shared->io.data_offset;
    if (shared->io.direction == KVM_EXIT_IO_OUT) {
      if (shared->io.port == SERIAL_LINE_CONTROL) divisor_latch = *data & 0x80;
      if (shared->io.port == SERIAL_DATA && !divisor_latch) must(write(STDOUT_FILENO, data, 1), "write");
      if (shared->io.port == SLEEP_CONTROL && *(uint16_t *)data & SLEEP_ENABLE) return;
    } else {
      memset(data, shared->io.port == SERIAL_STATUS ? 0x60 : 0, shared->io.size);
    }
  }
}

int main(int count, char **arguments) {
  uint64_t bytes = (count > 2 ? strtoull(arguments[2], NULL, 10) : 256) << 20;
  int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  must(kvm, "/dev/kvm");
  int machine = ioctl(kvm, KVM_CREATE_VM, 0);
  must(machine, "KVM_CREATE_VM");
  char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  must(memory == MAP_FAILED ? -1 : 0, "mmap");
  struct kvm_userspace_memory_region region = {.memory_size = bytes, .userspace_addr = (uintptr_t)memory};
  must(ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  must(ioctl(machine, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
  must(ioctl(machine, KVM_CREATE_PIT2, &(struct kvm_pit_config){0}), "KVM_CREATE_PIT2");
  uint32_t entry = load(arguments[1], memory);
  describe_machine(memory, bytes, count > 3 ? count - 3 : 0, arguments + 3);

  int cpu = ioctl(machine, KVM_CREATE_VCPU, 0);
  must(cpu, "KVM_CREATE_VCPU");
  static struct { struct kvm_cpuid2 header; struct kvm_cpuid_entry2 entries[256]; } cpuid = {.header.nent = 256};
  must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
  must(ioctl(cpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
  int shared_bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  struct kvm_run *shared = mmap(NULL, shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
  must(shared == MAP_FAILED ? -1 : 0, "mmap");
  enter_protected_mode(cpu, entry);
  run(cpu, shared);
}
