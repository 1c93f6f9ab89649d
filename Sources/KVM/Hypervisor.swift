import CKVM
import Host
import Synchronization

/// The host's KVM: /dev/kvm, opened and found fit.
package final class Hypervisor: Sendable {
  private let device: Descriptor
  /// Bytes of the memory that KVM shares with the program for each vCPU (KVM_GET_VCPU_MMAP_SIZE).
  let virtualCPUMappingBytes: Int
  private let knownCPUID = Mutex<CPUID?>(nil)

  /// Opens /dev/kvm and asks it for everything that a machine here is built on.
  ///
  /// - Throws: ``KVMError`` with what is missing, absent or forbidden.
  package init() throws(KVMError) {
    do throws(SystemCallError) {
      device = try Descriptor.open("/dev/kvm", .readWrite)
    } catch {
      throw .cannotOpen(error.errno)
    }
    let version = try kvm("KVM_GET_API_VERSION", ckvm_get_api_version(device.number))
    guard version == KVM_API_VERSION else { throw .wrongAPIVersion(version) }
    virtualCPUMappingBytes = Int(try kvm("KVM_GET_VCPU_MMAP_SIZE", ckvm_get_vcpu_mmap_size(device.number)))
    try Self.requireExtensions { extensionValue($0) }
  }

  /// Asks for everything that a machine here cannot do without.
  ///
  /// - Parameter answer: what KVM answers for a capability.
  static func requireExtensions(_ answer: (Int32) -> Int) throws(KVMError) {
    let needed: [(Int32, StaticString)] = [
      (KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"), (KVM_CAP_PIT2, "KVM_CAP_PIT2"), (KVM_CAP_IRQFD, "KVM_CAP_IRQFD"),
      (KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"),
      (KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"), (KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"),
      (KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"), (KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE"),
    ]
    for (capability, name) in needed where answer(capability) == 0 { throw .missingExtension(name) }
  }

  /// What KVM answers for a capability (KVM_CHECK_EXTENSION): 0 when it has none, else 1 or a figure.
  func extensionValue(_ capability: Int32) -> Int {
    Int(max(0, ckvm_check_extension(device.number, UInt(capability))))
  }

  /// The most vCPUs that a machine can have (KVM_CAP_MAX_VCPUS).
  package var maximumCPUs: Int {
    // API documentation, section 4.4: without the capability, the recommended number (KVM_CAP_NR_VCPUS) is the limit.
    let maximum = extensionValue(KVM_CAP_MAX_VCPUS)
    return maximum > 0 ? maximum : max(4, extensionValue(KVM_CAP_NR_VCPUS))
  }

  /// Whether the local APIC's timer can be set to a TSC value; KVM says so here and not in its CPUID.
  package var hasTSCDeadlineTimer: Bool { extensionValue(KVM_CAP_TSC_DEADLINE_TIMER) != 0 }

  /// What KVM can show a guest of the host's CPU (KVM_GET_SUPPORTED_CPUID).
  ///
  /// KVM is asked once: it reads every leaf anew. On a host that is a virtual machine itself each of them goes to that
  /// machine's host, and the answer takes a third of the time in which a small guest starts.
  package func supportedCPUID() throws(KVMError) -> CPUID {
    try knownCPUID.withLock { known throws(KVMError) in
      if let known { return known }
      let cpuid = try readSupportedCPUID()
      known = cpuid
      return cpuid
    }
  }

  private func readSupportedCPUID() throws(KVMError) -> CPUID {
    var failure: Int32 = 0
    // SAFETY: the call fills at most CKVM_CPUID_MAX entries, which is the buffer's capacity, and returns how many.
    let entries = unsafe [kvm_cpuid_entry2](unsafeUninitializedCapacity: Int(CKVM_CPUID_MAX)) { buffer, count in
      let result = unsafe ckvm_get_supported_cpuid(device.number, buffer.baseAddress!)
      failure = min(0, result)
      count = Int(max(0, result))
    }
    try kvm("KVM_GET_SUPPORTED_CPUID", failure)
    return CPUID(entries)
  }

  /// Makes an empty machine.
  package func makeVirtualMachine() throws(KVMError) -> VirtualMachine {
    VirtualMachine(Descriptor(owning: try kvm("KVM_CREATE_VM", ckvm_create_vm(device.number))), of: self)
  }
}
