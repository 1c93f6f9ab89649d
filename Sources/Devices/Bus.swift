/// One address space of devices, ports or physical memory: finds who answers an address.
///
/// It does not change after it is made, so any number of vCPUs look things up without a lock.
package final class Bus: Sendable {
  /// A range of addresses and the device that answers there.
  package struct Claim: Sendable {
    package let start: UInt64
    /// The number of addresses, above 0.
    package let count: UInt64
    package let device: any BusDevice

    package init(_ start: UInt64, count: UInt64, _ device: any BusDevice) {
      self.start = start
      self.count = count
      self.device = device
    }
  }

  private let claims: [Claim]

  /// - Precondition: no two claims overlap. Claims are the program's own, so an overlap is a mistake in it.
  package init(_ claims: [Claim]) {
    self.claims = claims.sorted { $0.start < $1.start }
    for (left, right) in zip(self.claims, self.claims.dropFirst()) {
      precondition(right.start - left.start >= left.count, "two devices claim \(String(right.start, radix: 16))")
    }
  }

  /// What a read of an address that nobody claims gives: all lines of the bus float high.
  package static let floating = UInt64.max

  /// Hands a guest's read to the device that claims `address`.
  package func read(_ address: UInt64, size: Int) -> UInt64 {
    guard let claim = claim(at: address) else { return Self.floating }
    return claim.device.read(offset: address - claim.start, size: size)
  }

  /// Hands a guest's write to the device that claims `address`; without one it is lost, as on real hardware.
  package func write(_ address: UInt64, size: Int, value: UInt64) {
    guard let claim = claim(at: address) else { return }
    claim.device.write(offset: address - claim.start, size: size, value: value)
  }

  /// Binary search for the last claim that starts at or below `address`.
  @inline(__always)
  private func claim(at address: UInt64) -> Claim? {
    var low = 0
    var high = claims.count
    while low < high {
      let middle = (low + high) / 2
      if claims[middle].start <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, address - claims[low - 1].start < claims[low - 1].count else { return nil }
    return claims[low - 1]
  }
}
