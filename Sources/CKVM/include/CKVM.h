/* The KVM interface of Linux (Documentation/virt/kvm/api.rst) for Swift: one inline function per ioctl, each returning
 * its result or -errno. Constants and structures come from the kernel's own header; what Swift cannot import (request
 * macros, flexible arrays) is wrapped here, and nothing else. */
#pragma once

#include <errno.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <asm/kvm_para.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#define CKVM static inline __attribute__((always_inline))
#define CKVM_RESULT(call) ({ int r_ = (call); r_ < 0 ? -errno : r_; })

/* System: /dev/kvm */
CKVM int ckvm_get_api_version(int kvm) { return CKVM_RESULT(ioctl(kvm, KVM_GET_API_VERSION, 0)); }
CKVM int ckvm_create_vm(int kvm) { return CKVM_RESULT(ioctl(kvm, KVM_CREATE_VM, 0)); }
CKVM int ckvm_check_extension(int kvm, unsigned long extension) {
  return CKVM_RESULT(ioctl(kvm, KVM_CHECK_EXTENSION, extension));
}
CKVM int ckvm_get_vcpu_mmap_size(int kvm) { return CKVM_RESULT(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0)); }

enum { CKVM_CPUID_MAX = 256, CKVM_MSRS_MAX = 16 };

/* Room on the stack for a structure with a flexible array of `max` entries. */
#define CKVM_FLEXIBLE(type, name, entries, max) \
  _Alignas(type) char name##_bytes[sizeof(type) + (max) * sizeof *(entries)]; \
  type *name = (type *)name##_bytes; \
  memset(name, 0, sizeof *name)

/* Fills at most CKVM_CPUID_MAX entries and returns how many there are. */
CKVM int ckvm_get_supported_cpuid(int kvm, struct kvm_cpuid_entry2 *entries) {
  CKVM_FLEXIBLE(struct kvm_cpuid2, all, entries, CKVM_CPUID_MAX);
  all->nent = CKVM_CPUID_MAX;
  int error = CKVM_RESULT(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, all));
  if (error < 0) return error;
  memcpy(entries, all->entries, all->nent * sizeof *entries);
  return (int)all->nent;
}

/* Virtual machine */
CKVM int ckvm_set_tss_addr(int vm, unsigned long address) { return CKVM_RESULT(ioctl(vm, KVM_SET_TSS_ADDR, address)); }
CKVM int ckvm_set_identity_map_addr(int vm, uint64_t address) {
  return CKVM_RESULT(ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, &address));
}
CKVM int ckvm_create_irqchip(int vm) { return CKVM_RESULT(ioctl(vm, KVM_CREATE_IRQCHIP, 0)); }
CKVM int ckvm_create_pit2(int vm, uint32_t flags) {
  struct kvm_pit_config config = {.flags = flags};
  return CKVM_RESULT(ioctl(vm, KVM_CREATE_PIT2, &config));
}
/* Whether ticks of the timer that the guest was late for are made up for. */
CKVM int ckvm_reinject_control(int vm, int reinject) {
  struct kvm_reinject_control control = {.pit_reinject = (uint8_t)reinject};
  return CKVM_RESULT(ioctl(vm, KVM_REINJECT_CONTROL, &control));
}
/* No interrupt input leads anywhere any more. */
CKVM int ckvm_clear_gsi_routing(int vm) {
  struct kvm_irq_routing none = {0};
  return CKVM_RESULT(ioctl(vm, KVM_SET_GSI_ROUTING, &none));
}
CKVM int ckvm_set_user_memory_region(int vm, uint32_t slot, uint32_t flags, uint64_t guest, uint64_t bytes, uint64_t host) {
  struct kvm_userspace_memory_region region = {
      .slot = slot, .flags = flags, .guest_phys_addr = guest, .memory_size = bytes, .userspace_addr = host};
  return CKVM_RESULT(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
}
CKVM int ckvm_create_vcpu(int vm, unsigned long id) { return CKVM_RESULT(ioctl(vm, KVM_CREATE_VCPU, id)); }
CKVM int ckvm_irqfd(int vm, int event, uint32_t gsi, uint32_t flags) {
  struct kvm_irqfd binding = {.fd = (uint32_t)event, .gsi = gsi, .flags = flags};
  return CKVM_RESULT(ioctl(vm, KVM_IRQFD, &binding));
}
CKVM int ckvm_ioeventfd(int vm, int event, uint64_t address, uint32_t bytes, uint64_t value) {
  struct kvm_ioeventfd binding = {
      .fd = event, .addr = address, .len = bytes, .datamatch = value, .flags = KVM_IOEVENTFD_FLAG_DATAMATCH};
  return CKVM_RESULT(ioctl(vm, KVM_IOEVENTFD, &binding));
}
/* The clock that guests read by kvmclock, in nanoseconds. */
CKVM int ckvm_get_clock(int vm, uint64_t *nanoseconds) {
  struct kvm_clock_data data = {0};
  int error = CKVM_RESULT(ioctl(vm, KVM_GET_CLOCK, &data));
  *nanoseconds = data.clock;
  return error;
}
CKVM int ckvm_set_clock(int vm, uint64_t nanoseconds) {
  struct kvm_clock_data data = {.clock = nanoseconds};
  return CKVM_RESULT(ioctl(vm, KVM_SET_CLOCK, &data));
}

/* Virtual CPU */
CKVM int ckvm_kvmclock_ctrl(int vcpu) { return CKVM_RESULT(ioctl(vcpu, KVM_KVMCLOCK_CTRL, 0)); }
CKVM int ckvm_run(int vcpu) { return CKVM_RESULT(ioctl(vcpu, KVM_RUN, 0)); }
CKVM int ckvm_get_regs(int vcpu, struct kvm_regs *regs) { return CKVM_RESULT(ioctl(vcpu, KVM_GET_REGS, regs)); }
CKVM int ckvm_set_regs(int vcpu, const struct kvm_regs *regs) { return CKVM_RESULT(ioctl(vcpu, KVM_SET_REGS, regs)); }
CKVM int ckvm_get_sregs(int vcpu, struct kvm_sregs *sregs) { return CKVM_RESULT(ioctl(vcpu, KVM_GET_SREGS, sregs)); }
CKVM int ckvm_set_sregs(int vcpu, const struct kvm_sregs *sregs) { return CKVM_RESULT(ioctl(vcpu, KVM_SET_SREGS, sregs)); }
CKVM int ckvm_get_mp_state(int vcpu) {
  struct kvm_mp_state state;
  int error = CKVM_RESULT(ioctl(vcpu, KVM_GET_MP_STATE, &state));
  return error < 0 ? error : (int)state.mp_state;
}
CKVM int ckvm_get_stats_fd(int vcpu) { return CKVM_RESULT(ioctl(vcpu, KVM_GET_STATS_FD, NULL)); }
CKVM int ckvm_get_tsc_khz(int vcpu) { return CKVM_RESULT(ioctl(vcpu, KVM_GET_TSC_KHZ, 0)); }
CKVM int ckvm_set_cpuid2(int vcpu, const struct kvm_cpuid_entry2 *entries, uint32_t count) {
  CKVM_FLEXIBLE(struct kvm_cpuid2, all, entries, CKVM_CPUID_MAX);
  if (count > CKVM_CPUID_MAX) return -E2BIG;
  all->nent = count;
  memcpy(all->entries, entries, count * sizeof *entries);
  return CKVM_RESULT(ioctl(vcpu, KVM_SET_CPUID2, all));
}
/* Returns how many of the entries KVM took, in order. */
CKVM int ckvm_set_msrs(int vcpu, const struct kvm_msr_entry *entries, uint32_t count) {
  CKVM_FLEXIBLE(struct kvm_msrs, all, entries, CKVM_MSRS_MAX);
  if (count > CKVM_MSRS_MAX) return -E2BIG;
  all->nmsrs = count;
  memcpy(all->entries, entries, count * sizeof *entries);
  return CKVM_RESULT(ioctl(vcpu, KVM_SET_MSRS, all));
}
/* KVM_RUN returns -EINTR at once while this is set. Another thread may set it, hence the atomic store. */
CKVM void ckvm_set_immediate_exit(struct kvm_run *run, uint8_t value) {
  __atomic_store_n(&run->immediate_exit, value, __ATOMIC_RELEASE);
}

/* The signal that gets a vCPU thread out of KVM_RUN: that it was delivered is the point. A standard one: real-time
 * signals are queued, and are not sent where the user has no more room for that (RLIMIT_SIGPENDING, signal(7)). */
CKVM int ckvm_kick_signal(void) { return SIGUSR1; }
void ckvm_install_kick_handler(void);
/* From now on the signal also sets immediate_exit of this vCPU, which the calling thread runs: one that comes just before
 * KVM_RUN is not lost. */
void ckvm_exit_at_kicks(struct kvm_run *run);
