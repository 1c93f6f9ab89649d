import CKVM
import Testing

@testable import KVM

/// What a guest is told of its CPUs, read as the manuals tell kernels to (SDM volume 3, 10.9; APM volume 3, E.5).
@Suite struct GuestCPUIDTests {
  private static let counts = Array(1...32) + [33, 48, 63, 64, 65, 96, 100, 127, 128, 129, 200, 253, 254]

  private func table(
    _ host: String, cpus: Int = 1, kilohertz: UInt32 = 2_596_146, deadlineTimer: Bool = true,
    hiding features: [CPUFeature] = []
  ) -> CPUID {
    CPUID.hosts[host]!.forGuest(
      .init(cpuCount: cpus, tscKilohertz: kilohertz, hasTSCDeadlineTimer: deadlineTimer, hiddenFeatures: features))
  }

  @Test(arguments: ["Intel", "AMD"], counts)
  func everyCPUKnowsItself(_ host: String, _ count: Int) {
    let table = table(host, cpus: count)
    for id in 0..<count {
      let own = table.forVirtualCPU(id)
      #expect(own[1, .ebx][24...31] == UInt32(id))
      for subleaf in 0...2 as ClosedRange<UInt32> { #expect(own[0xb, subleaf, .edx] == UInt32(id)) }
      if host == "Intel" { #expect(own[0x1f, 0, .edx] == UInt32(id)) }
      if host == "AMD" {
        #expect(own[0x8000_001e, .eax] == UInt32(id))
        #expect(own[0x8000_001e, .ebx][0...7] == UInt32(id), "the core's number")
      }
    }
  }

  @Test(arguments: ["Intel", "AMD"], counts)
  func onePackageOfSingleThreadedCores(_ host: String, _ count: Int) {
    let table = table(host, cpus: count)
    for leaf in host == "Intel" ? [0xb, 0x1f] : [0xb] as [UInt32] {
      // By level: what its kind is (ECX[15:8]), how many CPUs are in it, and the shift to the next level's identifier.
      #expect(table[leaf, 0, .ecx] == 1 << 8 | 0, "level 0 is of threads")
      #expect(table[leaf, 0, .ebx] == 1)
      #expect(table[leaf, 0, .eax] == 0, "each thread is a core")
      #expect(table[leaf, 1, .ecx] == 2 << 8 | 1, "level 1 is of cores")
      #expect(table[leaf, 1, .ebx] == UInt32(count))
      let shift = table[leaf, 1, .eax]
      #expect((count - 1) >> Int(shift) == 0, "all CPUs are in package 0")
      #expect(shift == 0 || (count - 1) >> Int(shift - 1) == 1, "no bit more than needed")
      #expect(table[leaf, 2, .ecx] == 2, "level 2 is the end")
      #expect(table[leaf, 2, .ebx] == 0)
    }
    #expect(table[1, .ebx][16...23] == UInt32(count))
    #expect(table[1, .edx][28] == (count > 1), "HTT")
    #expect(table[1, .ebx][8...15] == 8, "the flushed line's size is the host's")
  }

  @Test(arguments: ["Intel", "AMD"], counts)
  func cachesBelongToACoreOrToAll(_ host: String, _ count: Int) {
    let table = table(host, cpus: count)
    let leaf: UInt32 = host == "Intel" ? 4 : 0x8000_001d
    for subleaf in 0..<3 as Range<UInt32> { #expect(table[leaf, subleaf, .eax][14...25] == 0, "a core's own") }
    #expect(table[leaf, 3, .eax][14...25] + 1 >= UInt32(count), "shared by all")
    #expect(table[leaf, 3, .eax][0...13] == 3 << 5 | 3 && table[leaf, 3, .ecx] == 32767, "the host's cache otherwise")
    if host == "Intel" {
      #expect(table[4, 0, .eax][26...31] + 1 >= UInt32(min(count, 64)), "the most cores of a package")
    } else {
      #expect(table[0x8000_0008, .ecx][0...7] + 1 == UInt32(count), "the number of threads")
      #expect(1 << table[0x8000_0008, .ecx][12...15] >= UInt32(count), "ApicIdSize")
      #expect(table.forVirtualCPU(0)[0x8000_001e, .ebx][8...15] == 0, "one thread a core")
      #expect(table[0x8000_0001, .ecx][1] == (count > 1), "CmpLegacy")
    }
  }

  @Test(arguments: ["Intel", "AMD"])
  func frequencies(_ host: String) {
    let table = table(host, kilohertz: 2_596_146)
    let crystal = UInt64(table[0x15, .ecx])
    let hertz = crystal * UInt64(table[0x15, .ebx]) / UInt64(table[0x15, .eax])
    #expect(hertz == 2_596_146_000)
    #expect(crystal == 1_000_000_000, "the frequency of KVM's local APIC timer")
    #expect(table[0x16, .eax] == 2596 && table[0x16, .ebx] == 2596)
    #expect(table[0x4000_0000, .eax] == 0x4000_0010)
    #expect(table[0x4000_0010, .eax] == 2_596_146 && table[0x4000_0010, .ebx] == 1_000_000)
    // Leaves between the host's last and ours would be read as the last leaf's on Intel CPUs (SDM volume 2A, CPUID).
    #expect(table[0, .eax] == (host == "Intel" ? 0x1f : 0x16))
    for leaf in 0...0x16 as ClosedRange<UInt32> where leaf > CPUID.hosts[host]![0, .eax] {
      #expect(table.contains(leaf: leaf))
    }
  }

  @Test(arguments: ["Intel", "AMD"])
  func unknownFrequencyIsNotTold(_ host: String) {
    let table = table(host, kilohertz: 0)
    #expect(!table.contains(leaf: 0x15) && !table.contains(leaf: 0x4000_0010))
    #expect(table[0x4000_0000, .eax] == 0x4000_0001)
  }

  @Test(arguments: ["Intel", "AMD"], [true, false])
  func hypervisor(_ host: String, _ deadlineTimer: Bool) {
    var plain = CPUID.hosts[host]!
    plain[1, .ecx] = 0
    let table = plain.forGuest(.init(cpuCount: 1, tscKilohertz: 0, hasTSCDeadlineTimer: deadlineTimer))
    #expect(table[1, .ecx][31], "a hypervisor is present")
    #expect(table[1, .ecx][21], "x2APIC")
    #expect(table[1, .ecx][24] == deadlineTimer)
  }

  @Test("Hiding a feature clears its bit and no other", arguments: ["Intel", "AMD"])
  func hiding(_ host: String) {
    let all = table(host)
    for feature in CPUFeature.all where all.contains(leaf: feature.leaf, subleaf: feature.subleaf) {
      let rest = table(host, hiding: [feature])
      for (before, after) in zip(all.entries, rest.entries) {
        let changed = [
          before.eax ^ after.eax, before.ebx ^ after.ebx, before.ecx ^ after.ecx, before.edx ^ after.edx,
        ]
        let isOwn = before.function == feature.leaf && before.index == feature.subleaf
        #expect(changed.reduce(0) { $0 + $1.nonzeroBitCount } == (isOwn ? 1 : 0), "\(feature.name)")
      }
      #expect(!(rest[feature.leaf, feature.subleaf, feature.register][Int(feature.bit)]), "\(feature.name)")
    }
  }

  @Test func featuresHaveNamesOfTheirOwn() {
    #expect(Set(CPUFeature.all.map(\.name)).count == CPUFeature.all.count)
    #expect(CPUFeature(named: "avx2") != nil && CPUFeature(named: "AVX2") == nil && CPUFeature(named: "") == nil)
  }

  @Test(arguments: ["Intel", "AMD"])
  func noLeafIsThereTwice(_ host: String) {
    let entries = table(host, cpus: 32).entries
    #expect(Set(entries.map { [$0.function, $0.index] }).count == entries.count)
    #expect(entries.count <= Int(CKVM_CPUID_MAX))
    for entry in entries where [0xb, 0x1f].contains(entry.function) { #expect(entry.flags == 1, "ECX counts") }
  }
}
