import CKVM

/// What the CPUID instruction answers, as a table of leaves and subleaves.
///
/// Layouts: Intel SDM volume 2A, "CPUID"; AMD APM volume 3, appendix E; KVM's own leaves: linux-doc,
/// virt/kvm/x86/cpuid.
package struct CPUID: Sendable {
  /// One of the four registers that the instruction fills.
  package enum Register: Sendable { case eax, ebx, ecx, edx }

  var entries: [kvm_cpuid_entry2]

  init(_ entries: [kvm_cpuid_entry2]) { self.entries = entries }

  private func index(_ leaf: UInt32, _ subleaf: UInt32) -> Int? {
    entries.firstIndex { $0.function == leaf && $0.index == subleaf }
  }

  /// A register's value, 0 for a leaf that is not there: what hardware answers within its range.
  package subscript(leaf: UInt32, subleaf: UInt32, register: Register) -> UInt32 {
    get {
      guard let index = index(leaf, subleaf) else { return 0 }
      return switch register {
      case .eax: entries[index].eax
      case .ebx: entries[index].ebx
      case .ecx: entries[index].ecx
      case .edx: entries[index].edx
      }
    }
    set {
      guard let index = index(leaf, subleaf) else { return }
      switch register {
      case .eax: entries[index].eax = newValue
      case .ebx: entries[index].ebx = newValue
      case .ecx: entries[index].ecx = newValue
      case .edx: entries[index].edx = newValue
      }
    }
  }

  /// A register of a leaf that has no subleaves.
  package subscript(leaf: UInt32, register: Register) -> UInt32 {
    get { self[leaf, 0, register] }
    set { self[leaf, 0, register] = newValue }
  }

  package func contains(leaf: UInt32, subleaf: UInt32 = 0) -> Bool { index(leaf, subleaf) != nil }

  /// Puts in a leaf, in place of what was there for the same subleaf.
  ///
  /// - Parameter isIndexed: whether the answer depends on ECX.
  mutating func set(
    _ leaf: UInt32, _ subleaf: UInt32 = 0, isIndexed: Bool = false,
    eax: UInt32, ebx: UInt32 = 0, ecx: UInt32 = 0, edx: UInt32 = 0
  ) {
    var entry = kvm_cpuid_entry2()
    entry.function = leaf
    entry.index = subleaf
    entry.flags = isIndexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0
    (entry.eax, entry.ebx, entry.ecx, entry.edx) = (eax, ebx, ecx, edx)
    if let index = index(leaf, subleaf) { entries[index] = entry } else { entries.append(entry) }
  }

  mutating func remove(leaf: UInt32) { entries.removeAll { $0.function == leaf } }
}

// KVM_CPUID_FLAG_SIGNIFCANT_INDEX is a macro with a cast, which Swift does not import.
private let KVM_CPUID_FLAG_SIGNIFCANT_INDEX: UInt32 = 1 << 0
