/// A guest-physical address. Opaque: it is no host pointer, and arithmetic on it is checked.
package struct GuestAddress: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The address `bytes` further on, nil when the 64-bit address space ends before.
  package func advanced(by bytes: UInt64) -> GuestAddress? {
    let (sum, overflow) = rawValue.addingReportingOverflow(bytes)
    return overflow ? nil : GuestAddress(sum)
  }

  /// The nearest address at or above this one that is a multiple of `alignment` (a power of two), nil beyond the end.
  package func alignedUp(to alignment: UInt64) -> GuestAddress? {
    advanced(by: alignment - 1).map { GuestAddress($0.rawValue & ~(alignment - 1)) }
  }
}

extension GuestAddress: CustomStringConvertible {
  /// As hexadecimal, "0x100000".
  package var description: String { "0x" + String(rawValue, radix: 16) }
}

/// A range of guest-physical addresses that is known not to wrap around.
package struct GuestRange: Hashable, Sendable {
  package let start: GuestAddress
  /// The length in bytes.
  package let count: UInt64

  /// - Returns: nil when the range's last byte would lie beyond the 64-bit address space.
  package init?(start: GuestAddress, count: UInt64) {
    guard count == 0 || start.advanced(by: count - 1) != nil else { return nil }
    self.start = start
    self.count = count
  }

  /// The first address after the range; for a range that ends with the address space, its last address.
  package var end: GuestAddress { start.advanced(by: count) ?? GuestAddress(.max) }

  /// Whether all of `other`, its last byte included, lies inside this range. An empty range lies in any that has its
  /// start.
  package func contains(_ other: GuestRange) -> Bool {
    other.start >= start && other.start.rawValue - start.rawValue <= count
      && other.count <= count - (other.start.rawValue - start.rawValue)
  }

  /// Whether the two have a byte in common.
  package func overlaps(_ other: GuestRange) -> Bool {
    guard count > 0, other.count > 0 else { return false }
    return start.rawValue <= other.start.rawValue + (other.count - 1)
      && other.start.rawValue <= start.rawValue + (count - 1)
  }
}

extension GuestRange: CustomStringConvertible {
  /// First and last address, "0x1000-0x1fff".
  package var description: String {
    count == 0 ? "\(start) (empty)" : "\(start)-\(GuestAddress(start.rawValue + (count - 1)))"
  }
}
