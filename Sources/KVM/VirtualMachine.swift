import CKVM
import GuestMemory
import Host

/// A machine in KVM: an address space, interrupt controllers, and the vCPUs that are made from it.
package final class VirtualMachine: Sendable {
  let descriptor: Descriptor
  private let hypervisor: Hypervisor

  init(_ descriptor: consuming Descriptor, of hypervisor: Hypervisor) {
    self.descriptor = descriptor
    self.hypervisor = hypervisor
  }

  deinit { hastenTearDown() }

  /// Gives the machine its interrupt controllers (two 8259, IOAPIC, a local APIC per vCPU) and its 8254 timer, all in
  /// the kernel. To be called before the first vCPU is made.
  ///
  /// - Parameter reservedPages: four pages that are neither RAM nor devices. Intel CPUs without unrestricted guest
  ///   mode run real mode in a task there (KVM_SET_IDENTITY_MAP_ADDR: the first page, KVM_SET_TSS_ADDR: the next
  ///   three).
  package func createInterruptControllers(reservedPages: GuestAddress) throws(KVMError) {
    let page: UInt64 = 0x1000
    if hypervisor.extensionValue(KVM_CAP_SET_IDENTITY_MAP_ADDR) != 0 {
      try kvm("KVM_SET_IDENTITY_MAP_ADDR", ckvm_set_identity_map_addr(descriptor.number, reservedPages.rawValue))
    }
    if hypervisor.extensionValue(KVM_CAP_SET_TSS_ADDR) != 0 {
      try kvm("KVM_SET_TSS_ADDR", ckvm_set_tss_addr(descriptor.number, UInt(reservedPages.rawValue + page)))
    }
    try kvm("KVM_CREATE_IRQCHIP", ckvm_create_irqchip(descriptor.number))
    // The dummy answers port 0x61, whose refresh bit kernels watch while they calibrate.
    try kvm("KVM_CREATE_PIT2", ckvm_create_pit2(descriptor.number, UInt32(KVM_PIT_SPEAKER_DUMMY)))
  }

  /// Maps the guest's RAM, one memory slot a region (KVM_SET_USER_MEMORY_REGION).
  ///
  /// - Parameter memory: must outlive the machine.
  package func map(_ memory: GuestMemory) throws(KVMError) {
    var slot: UInt32 = 0
    try memory.forEachRegion { region throws(KVMError) in
      try kvm(
        "KVM_SET_USER_MEMORY_REGION",
        ckvm_set_user_memory_region(
          descriptor.number, slot, 0, region.range.start.rawValue, region.range.count, UInt64(region.hostAddress)))
      slot += 1
    }
  }

  /// Binds an event to an interrupt input: each signal is a pulse on `gsi` (KVM_IRQFD).
  ///
  /// - Parameter gsi: the global system interrupt, 0 to 23; those below 16 reach both the 8259s and the IOAPIC.
  package func connect(_ event: EventFD, toInterrupt gsi: UInt32) throws(KVMError) {
    try kvm("KVM_IRQFD", ckvm_irqfd(descriptor.number, event.number, gsi, 0))
  }

  /// Binds a guest's write to an event: `value` written to the physical address in four bytes is a signal, and the vCPU
  /// goes on at once (KVM_IOEVENTFD). Any other write there is an exit.
  package func connect(doorbell event: EventFD, at address: GuestAddress, value: UInt32) throws(KVMError) {
    try kvm(
      "KVM_IOEVENTFD", ckvm_ioeventfd(descriptor.number, event.number, address.rawValue, 4, UInt64(value)))
  }

  /// The time that guests read by kvmclock, in nanoseconds (KVM_GET_CLOCK); nil where KVM does not tell.
  package var clockNanoseconds: UInt64? {
    var nanoseconds: UInt64 = 0
    // SAFETY: a local variable that the call fills.
    return unsafe ckvm_get_clock(descriptor.number, &nanoseconds) < 0 ? nil : nanoseconds
  }

  /// Has that clock go on from there (KVM_SET_CLOCK); where KVM refuses it has gone on by itself.
  package func setClock(nanoseconds: UInt64) { _ = ckvm_set_clock(descriptor.number, nanoseconds) }

  /// Makes the vCPU with local APIC identifier `id`. The first starts at once, the others wait for INIT and SIPI.
  package func makeVirtualCPU(_ id: Int) throws(KVMError) -> VirtualCPU {
    let number = try kvm("KVM_CREATE_VCPU", ckvm_create_vcpu(descriptor.number, UInt(id)))
    return try VirtualCPU(Descriptor(owning: number), id: id, mappingBytes: hypervisor.virtualCPUMappingBytes)
  }
}
