import GuestMemory
import Host
import KVM

extension Configuration {
  /// How many times the host's memory a guest may have.
  private static let largestPromise: UInt64 = 64

  /// Checks what only the host can say.
  func check(on hypervisor: Hypervisor) throws(MachineError) {
    // The IOAPIC and the MADT's short entries name local APICs by eight bits, of which 255 means all.
    let maximum = min(hypervisor.maximumCPUs, 254)
    guard cpuCount <= maximum else {
      throw .kvm(.tooManyCPUs(cpuCount, maximum: maximum))
    }
    if let cpu = cpuAllotment.pinnedCPUs.first(where: { !HostCPU.isAllowed($0) }) {
      throw .configuration(ConfigurationError("--cpu-pin \(cpu)", "this host has no CPU \(cpu) that you may use"))
    }
    // A guest may well be promised more than there is, since it may never use it. But KVM keeps books on each page that
    // is promised, which takes long and memory of the host: a promise beyond all measure is a slip of the finger.
    let promise = HostMemory.bytes.multipliedReportingOverflow(by: Self.largestPromise)
    guard promise.overflow || memoryBytes <= promise.partialValue else {
      throw .configuration(
        ConfigurationError(
          "--memory \(ByteSize.format(memoryBytes))",
          "this host has \(HostMemory.bytes >> 20)M, and promises a guest "
            + "at most \(Self.largestPromise) times as much"))
    }
    // No CPU with long mode addresses less than what is below the hole.
    guard memoryBytes > GuestMemory.holeStart.rawValue else { return }
    // AMD APM volume 3, CPUID 0x80000008: EAX[7:0] is the number of physical address bits.
    let bits = try kvm({ () throws(KVMError) in try hypervisor.supportedCPUID() })[0x8000_0008, .eax] & 0xff
    let end = memoryBytes + (GuestMemory.holeEnd.rawValue - GuestMemory.holeStart.rawValue)
    if bits > 0, bits < 64, end > 1 << UInt64(bits) {
      throw .configuration(
        ConfigurationError(
          "--memory \(ByteSize.format(memoryBytes))",
          "this host's CPU addresses \(ByteSize.format(1 << UInt64(bits))) of memory"))
    }
  }
}
