import Metering

/// A kind of device that can be limited, with a person's names for its limits.
package enum LimitedDevice: Sendable {
  case disk, network

  /// In the order of ``RateLimits/Quantity``.
  private var names: [String] {
    switch self {
    case .disk: ["read-bandwidth", "write-bandwidth", "bandwidth", "read-iops", "write-iops", "iops"]
    case .network: ["rx-bandwidth", "tx-bandwidth", "bandwidth", "rx-packets", "tx-packets", "packets"]
    }
  }

  package func name(_ item: RateLimits.Item) -> String {
    switch item {
    case .rate(let quantity): names[quantity.rawValue]
    case .burst(let quantity): names[quantity.rawValue] + "-burst"
    case .budget: "budget"
    }
  }

  /// The item that a person calls so; nil for any other word.
  package func item(named name: some StringProtocol) -> RateLimits.Item? {
    RateLimits.Item.all.first { self.name($0) == name }
  }
}

extension RateLimits.Item {
  private var isInBytes: Bool {
    switch self {
    case .rate(let quantity), .burst(let quantity):
      switch quantity {
      case .bytesToGuest, .bytesFromGuest, .bytes: true
      case .operationsToGuest, .operationsFromGuest, .operations: false
      }
    case .budget: true
    }
  }

  /// What a person may write for it.
  package var example: String { isInBytes ? "a size like 20M" : "a number like 1000" }

  /// Reads a value above 0; nil for anything else.
  package func parse(_ text: String) -> UInt64? {
    let value = isInBytes ? ByteSize.parse(text) : text.allSatisfy { $0.isASCII && $0.isNumber } ? UInt64(text) : nil
    return value.flatMap { (1...1 << 62).contains($0) ? $0 : nil }
  }

  package func format(_ value: UInt64) -> String { isInBytes ? ByteSize.format(value) : String(value) }
}

extension RateLimits {
  /// Takes a word like "read-bandwidth=20M".
  ///
  /// - Returns: false when it is none of these.
  mutating func set(_ word: Substring, _ device: LimitedDevice, of option: String) throws(ConfigurationError) -> Bool {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let item = device.item(named: parts[0]) else { return false }
    guard let value = item.parse(String(parts[1])) else {
      throw ConfigurationError(option, "\(parts[0]) is \(item.example)")
    }
    self[item] = value
    return true
  }

  /// What belongs together.
  func check(_ device: LimitedDevice, of option: String) throws(ConfigurationError) {
    for quantity in Quantity.allCases where self[.burst(quantity)] != nil && self[.rate(quantity)] == nil {
      let name = device.name(.burst(quantity))
      throw ConfigurationError(option, "\(name) goes with \(device.name(.rate(quantity)))")
    }
  }

  /// The words that ``set(_:_:of:)`` takes.
  func words(_ device: LimitedDevice) -> [String] {
    Item.all.compactMap { item in self[item].map { "\(device.name(item))=\(item.format($0))" } }
  }
}
