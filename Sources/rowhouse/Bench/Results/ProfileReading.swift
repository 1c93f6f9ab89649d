/// What the exits to one address cost, of all vCPUs together.
struct ExitCost: Codable {
  /// "port_write", as in the verdict's `exits`.
  let reason: String
  let address: UInt64
  /// What is there.
  let name: String
  let count: UInt64
  /// In the VMM: without the ways of the CPU and of KVM to it and back.
  let nanoseconds: UInt64
}

/// What `rowhouse-vmm --exit-profile` wrote.
struct ProfileReading {
  /// The dearest first.
  let exits: [ExitCost]
  let kvm: [String: UInt64]

  /// - Returns: nil when the text is no profile, as nothing is none.
  init?(_ text: String) {
    if text.isEmpty { return nil }
    var exits: [ExitCost] = []
    var kvm: [String: UInt64] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      switch words.first {
      case "exit" where words.count == 5:
        guard let address = UInt64(words[2].dropFirst(2), radix: 16), let count = UInt64(words[3]),
          let nanoseconds = UInt64(words[4])
        else { return nil }
        let reason = String(words[1])
        exits.append(
          ExitCost(
            reason: reason, address: address, name: AddressName.of(reason, address), count: count,
            nanoseconds: nanoseconds))
      case "kvm" where words.count == 3:
        guard let value = UInt64(words[2]) else { return nil }
        kvm[String(words[1])] = value
      default: return nil
      }
    }
    self.exits = exits
    self.kvm = kvm
  }
}
