import Metering

/// A network card of the guest, as a person names it: "tap=NAME" or "socket=PATH", then ",mac=…", ",mtu=N" and
/// limits, such as ",tx-bandwidth=1M" (see ``LimitedDevice``).
package struct NetworkConfiguration: Equatable, Sendable {
  package enum End: Equatable, Sendable {
    /// A TAP device of the host, existing or to be made.
    case tap(String)
    /// The path where a peer is met: another guest, or a program like passt that speaks frames behind their lengths.
    case socket(String)
  }

  package var end: End
  /// Six bytes; nil: made of the host and the end's name.
  package var mac: [UInt8]?
  package var mtu: UInt16?
  package var limits = RateLimits()

  package init(_ end: End) { self.end = end }

  /// What is no option belongs to the name, commas too (but see ``MistypedOption``).
  package init(argument: String) throws(ConfigurationError) {
    let option = "--net \(argument)"
    var mac: [UInt8]?
    var mtu: UInt16?
    var limits = RateLimits()
    var words = argument.split(separator: ",", omittingEmptySubsequences: false)
    while words.count > 1, let word = words.last {
      if word.hasPrefix("mac=") {
        mac = Self.parseMAC(word.dropFirst(4))
        guard mac != nil else {
          throw ConfigurationError(option, "a card's own address is like 52:54:00:12:34:56, its first digit pair even")
        }
      } else if word.hasPrefix("mtu=") {
        mtu = UInt16(word.dropFirst(4))
        // The least is what IPv4 asks of every link (virtio 1.2, 5.1.4.1).
        guard let mtu, mtu >= 68 else { throw ConfigurationError(option, "an MTU is a number from 68 to 65535") }
      } else if try !limits.set(word, .network, of: option) {
        break
      }
      words.removeLast()
    }
    let name = words.joined(separator: ",")
    try MistypedOption.refuse(in: name.drop { $0 != "=" }.dropFirst(), "mac, mtu and limits", of: option)
    if name.hasPrefix("tap="), (5...19).contains(name.utf8.count) {
      end = .tap(String(name.dropFirst(4)))
    } else if name.hasPrefix("socket="), name.count > 7 {
      end = .socket(String(name.dropFirst(7)))
    } else {
      throw ConfigurationError(option, "it is tap=NAME, of at most 15 bytes, or socket=PATH")
    }
    try limits.check(.network, of: option)
    self.mac = mac
    self.mtu = mtu
    self.limits = limits
  }

  private static func parseMAC(_ text: Substring) -> [UInt8]? {
    let pairs = text.split(separator: ":", omittingEmptySubsequences: false)
    let bytes = pairs.compactMap { $0.utf8.count == 2 && $0.first != "+" ? UInt8($0, radix: 16) : nil }
    // The lowest bit of the first byte marks addresses of groups.
    return bytes.count == 6 && pairs.count == 6 && bytes[0] & 1 == 0 ? bytes : nil
  }

  /// The card's address: the one given, or one that is made of the host and the end's name: so it stays the same, and
  /// cards on TAP devices of one host or of several differ. The two ends of a socket differ in their last bit.
  ///
  /// - Parameters:
  ///   - host: what tells this host from others; not asked for when the address is given.
  ///   - isListener: whether this is the end of a socket that came first.
  package func address(host: @autoclosure () -> [UInt8], isListener: Bool) -> [UInt8] {
    if let mac { return mac }
    var address = Self.makeAddress(host() + [0] + Array(name.utf8))
    if case .socket = end { address[5] = address[5] & 0xfe | (isListener ? 1 : 0) }
    return address
  }

  /// Gives a card at a socket that has no address one that the guest's name tells from the other end's, whichever of
  /// the two comes first.
  package mutating func takeAddress(host: @autoclosure () -> [UInt8], guest: String) {
    guard case .socket = end, mac == nil else { return }
    mac = Self.makeAddress(host() + [0] + Array(name.utf8) + [0] + Array(guest.utf8))
  }

  /// An address from the range that anybody may use (IEEE 802, locally administered), the same for the same bytes.
  private static func makeAddress(_ bytes: [UInt8]) -> [UInt8] {
    // FNV-1a, which spreads short names well.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return [0x02] + (0..<5).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
  }

  /// The end alone, as a person wrote it.
  package var name: String {
    switch end {
    case .tap(let name): "tap=\(name)"
    case .socket(let path): "socket=\(path)"
    }
  }
}

extension NetworkConfiguration: CustomStringConvertible {
  /// The card's own address as it is written everywhere: "52:54:00:12:34:56".
  package var macText: String? {
    func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
    return mac.map { $0.map(hexadecimal).joined(separator: ":") }
  }

  /// What ``init(argument:)`` reads.
  package var description: String {
    name + (macText.map { ",mac=\($0)" } ?? "") + (mtu.map { ",mtu=\($0)" } ?? "")
      + limits.words(.network).map { "," + $0 }.joined()
  }
}
