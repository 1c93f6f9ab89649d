import CKVM

@testable import KVM

extension CPUID {
  /// A host's table as KVM_GET_SUPPORTED_CPUID gives it, made up after the manuals.
  ///
  /// - Parameter leaves: EAX, EBX, ECX, EDX by leaf and subleaf.
  init(_ leaves: KeyValuePairs<[UInt32], [UInt32]>) {
    self.init(
      leaves.map { key, values in
        var entry = kvm_cpuid_entry2()
        entry.function = key[0]
        entry.index = key.count > 1 ? key[1] : 0
        entry.flags = key.count > 1 ? 1 : 0
        (entry.eax, entry.ebx, entry.ecx, entry.edx) = (values[0], values[1], values[2], values[3])
        return entry
      })
  }

  /// Two packages of eight cores with two threads each, seen from thread 13. Every feature bit is set.
  static let intel = CPUID([
    [0]: [0x1f, 0x756e_6547, 0x6c65_746e, 0x4965_6e69],
    [1]: [0x000a_0671, 0x0d20_0800, ~0, ~0],
    // Caches of 32 KiB, 32 KiB, 1 MiB for a core's two threads, one of 32 MiB for the package; eight cores.
    [4, 0]: [8 << 26 | 1 << 14 | 1 << 5 | 1, 0x01c0_003f, 63, 0],
    [4, 1]: [8 << 26 | 1 << 14 | 1 << 5 | 2, 0x01c0_003f, 63, 0],
    [4, 2]: [8 << 26 | 1 << 14 | 2 << 5 | 3, 0x03c0_003f, 1023, 0],
    [4, 3]: [8 << 26 | 15 << 14 | 3 << 5 | 3, 0x03c0_003f, 32767, 0],
    [4, 4]: [0, 0, 0, 0],
    [6]: [~0, 0, 0, 0],
    [7, 0]: [1, ~0, ~0, ~0],
    [7, 1]: [~0, 0, 0, 0],
    [0xb, 0]: [1, 2, 0x100, 13],
    [0xb, 1]: [4, 16, 0x201, 13],
    [0xd, 0]: [7, 832, 832, 0],
    [0xd, 1]: [~0, 0, 0, 0],
    [0x1f, 0]: [1, 2, 0x100, 13],
    [0x1f, 1]: [4, 16, 0x201, 13],
    [0x4000_0000]: [0x4000_0001, 0x4b4d_564b, 0x564b_4d56, 0x4d],
    [0x4000_0001]: [~0, 0, 0, 0],
    [0x8000_0000]: [0x8000_0008, 0, 0, 0],
    [0x8000_0001]: [0, 0, ~0, ~0],
    [0x8000_0007]: [0, 0, 0, ~0],
    [0x8000_0008]: [0x3030, ~0, 0, 0],
  ])

  /// One package of sixteen cores with two threads each, seen from thread 5. Every feature bit is set.
  static let amd = CPUID([
    [0]: [0x10, 0x6874_7541, 0x444d_4163, 0x6974_6e65],
    [1]: [0x00a2_0f10, 0x0520_0800, ~0, ~0],
    [6]: [~0, 0, 0, 0],
    [7, 0]: [1, ~0, ~0, ~0],
    [7, 1]: [~0, 0, 0, 0],
    [0xb, 0]: [1, 2, 0x100, 5],
    [0xb, 1]: [5, 32, 0x201, 5],
    [0xd, 0]: [7, 832, 832, 0],
    [0xd, 1]: [~0, 0, 0, 0],
    [0x4000_0000]: [0x4000_0001, 0x4b4d_564b, 0x564b_4d56, 0x4d],
    [0x4000_0001]: [~0, 0, 0, 0],
    [0x8000_0000]: [0x8000_001e, 0x6874_7541, 0x444d_4163, 0x6974_6e65],
    [0x8000_0001]: [0, 0, ~0, ~0],
    [0x8000_0007]: [0, 0, 0, ~0],
    [0x8000_0008]: [0x3030, ~0, 0x501f, 0],
    [0x8000_001d, 0]: [1 << 14 | 1 << 5 | 1, 0x01c0_003f, 63, 0],
    [0x8000_001d, 1]: [1 << 14 | 1 << 5 | 2, 0x01c0_003f, 63, 0],
    [0x8000_001d, 2]: [1 << 14 | 2 << 5 | 3, 0x01c0_003f, 1023, 2],
    [0x8000_001d, 3]: [15 << 14 | 3 << 5 | 3, 0x03c0_003f, 32767, 1],
    [0x8000_001e]: [5, 0x102, 0, 0],
  ])

  static let hosts = ["Intel": intel, "AMD": amd]
}

extension UInt32 {
  /// The bits of a field, as manuals write it: `eax[14...25]`.
  subscript(bits: ClosedRange<Int>) -> UInt32 {
    self >> UInt32(bits.lowerBound) & UInt32((UInt64(1) << UInt64(bits.count)) - 1)
  }

  subscript(bit: Int) -> Bool { self[bit...bit] == 1 }
}
