extension CPUID {
  /// What a guest is told of its CPU besides what the host's has.
  package struct GuestDescription: Sendable {
    /// The number of vCPUs, all in one package, one thread to a core.
    package var cpuCount: Int
    /// The frequency of the time stamp counter, 0 when unknown.
    package var tscKilohertz: UInt32
    package var hasTSCDeadlineTimer: Bool
    package var hiddenFeatures: [CPUFeature]

    package init(
      cpuCount: Int, tscKilohertz: UInt32, hasTSCDeadlineTimer: Bool, hiddenFeatures: [CPUFeature] = []
    ) {
      self.cpuCount = cpuCount
      self.tscKilohertz = tscKilohertz
      self.hasTSCDeadlineTimer = hasTSCDeadlineTimer
      self.hiddenFeatures = hiddenFeatures
    }
  }

  /// The table for all of a guest's vCPUs, made from what KVM supports; ``forVirtualCPU(_:)`` fills in who each is.
  package func forGuest(_ guest: GuestDescription) -> CPUID {
    var cpuid = self
    let count = UInt32(guest.cpuCount)
    // Leaf 1: the hypervisor bit; x2APIC, which KVM's local APIC has on every host; HTT says that EBX[23:16] counts
    // the package's logical CPUs.
    cpuid[1, .ecx] |= 1 << 31 | 1 << 21 | (guest.hasTSCDeadlineTimer ? 1 << 24 : 0)
    cpuid[1, .ebx] = cpuid[1, .ebx] & 0x0000_ffff | min(count, 255) << 16
    cpuid[1, .edx] = cpuid[1, .edx] & ~(1 << 28) | (count > 1 ? 1 << 28 : 0)
    cpuid.setTopology(count)
    cpuid.setFrequencies(guest.tscKilohertz)
    for feature in guest.hiddenFeatures {
      cpuid[feature.leaf, feature.subleaf, feature.register] &= ~(1 << feature.bit)
    }
    return cpuid
  }

  /// The table for the vCPU whose local APIC has this identifier.
  package func forVirtualCPU(_ id: Int) -> CPUID {
    var cpuid = self
    let id = UInt32(id)
    cpuid[1, .ebx] = cpuid[1, .ebx] & 0x00ff_ffff | min(id, 255) << 24
    for leaf in [0xb as UInt32, 0x1f] {
      for subleaf in 0...2 as ClosedRange<UInt32> { cpuid[leaf, subleaf, .edx] = id }
    }
    if cpuid.contains(leaf: 0x8000_001e) {
      cpuid[0x8000_001e, .eax] = id
      // One thread a core, so that the core's number is the CPU's; all in node 0 of 1.
      cpuid[0x8000_001e, .ebx] = id & 0xff
      cpuid[0x8000_001e, .ecx] = 0
    }
    return cpuid
  }

  /// One package of `count` cores with one thread each, in every leaf that speaks of topology.
  private mutating func setTopology(_ count: UInt32) {
    // The number of low bits of an APIC identifier that tell the cores of a package apart.
    let coreBits = UInt32(UInt32.bitWidth - (count - 1).leadingZeroBitCount)
    let highestID = UInt32(1) << coreBits - 1

    // Leaves 4 (Intel) and 0x8000001d (AMD): who shares each cache. The first two levels are a core's own.
    for leaf in [4 as UInt32, 0x8000_001d] {
      for subleaf in 0..<16 as Range<UInt32> where self[leaf, subleaf, .eax] & 0x1f != 0 {
        let level = self[leaf, subleaf, .eax] >> 5 & 7
        let sharing = level >= 3 ? highestID : 0
        let cores = leaf == 4 ? min(highestID, 63) << 26 : 0
        self[leaf, subleaf, .eax] = self[leaf, subleaf, .eax] & 0x3fff | min(sharing, 4095) << 14 | cores
      }
    }
    // Leaves 0xb and 0x1f: level 0 is threads (type 1), level 1 cores (type 2), level 2 ends the list.
    for leaf in [0xb as UInt32, 0x1f] where leaf == 0xb || self[0, .eax] >= 0x1f {
      remove(leaf: leaf)
      set(leaf, 0, isIndexed: true, eax: 0, ebx: 1, ecx: 1 << 8 | 0)
      set(leaf, 1, isIndexed: true, eax: coreBits, ebx: count, ecx: 2 << 8 | 1)
      set(leaf, 2, isIndexed: true, eax: 0, ebx: 0, ecx: 2)
    }
    self[0, .eax] = max(self[0, .eax], 0xb)
    // AMD: the number of cores, and of the APIC identifier's bits for them.
    if self[0x8000_0000, .eax] >= 0x8000_0008 {
      self[0x8000_0008, .ecx] = self[0x8000_0008, .ecx] & ~0xf0ff | min(count - 1, 255) | coreBits << 12
    }
    // CmpLegacy: the cores of leaf 1 are cores and not threads.
    if isAMD { self[0x8000_0001, .ecx] = self[0x8000_0001, .ecx] & ~(1 << 1) | (count > 1 ? 1 << 1 : 0) }
  }

  /// AMD and Hygon share the leaves from 0x80000000 on that differ from Intel's.
  private var isAMD: Bool {
    let vendor = (self[0, .ebx], self[0, .edx], self[0, .ecx])
    return vendor == (0x6874_7541, 0x6974_6e65, 0x444d_4163) || vendor == (0x6f67_7948, 0x6e65_476e, 0x656e_6975)
  }

  /// Tells the guest the frequencies that it would otherwise measure against the 8254.
  private mutating func setFrequencies(_ tscKilohertz: UInt32) {
    guard tscKilohertz > 0 else { return }
    let highest = max(self[0, .eax], 0x16)
    for leaf in (self[0, .eax] + 1)..<(highest + 1) where !contains(leaf: leaf) { set(leaf, eax: 0) }
    self[0, .eax] = highest
    // Leaf 0x15: TSC = crystal * EBX / EAX. KVM's local APIC timer counts at 1 GHz (its APIC_BUS_CYCLE_NS is 1), and
    // kernels take the crystal for the timer's frequency (SDM volume 3, "APIC Timer"), so the crystal is 1 GHz.
    set(0x15, eax: 1_000_000, ebx: tscKilohertz, ecx: 1_000_000_000)
    // Leaf 0x16: base, maximum and bus frequency in MHz.
    let megahertz = min((tscKilohertz + 500) / 1000, 0xffff)
    set(0x16, eax: megahertz, ebx: megahertz, ecx: 100)
    // The leaf that VMware began and many kernels read: TSC and local APIC timer in kHz.
    let kvmLeaf: UInt32 = 0x4000_0000
    if contains(leaf: kvmLeaf) {
      self[kvmLeaf, .eax] = max(self[kvmLeaf, .eax], kvmLeaf + 0x10)
      set(kvmLeaf + 0x10, eax: tscKilohertz, ebx: 1_000_000)
    }
  }
}
