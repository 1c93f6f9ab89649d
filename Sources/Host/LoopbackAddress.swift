/// An address and port of TCP that only this machine can reach.
package struct LoopbackAddress: Equatable, Sendable, CustomStringConvertible {
  /// Numeric: "127.0.0.1" or another of 127.0.0.0/8 (RFC 1122, section 3.2.1.3), or "::1" (RFC 4291, section 2.5.3).
  package let host: String
  /// 0: any that is free.
  package let port: UInt16

  package enum Fault: Error {
    /// No address with a port.
    case malformed
    /// One that other machines may reach, or a name.
    case notLoopback
  }

  /// Reads "127.0.0.1:5000" or "[::1]:5000".
  package init(_ text: some StringProtocol) throws(Fault) {
    guard let colon = text.lastIndex(of: ":") else { throw .malformed }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy(Self.isDigit), let port = UInt16(digits) else { throw .malformed }
    let host = text[..<colon]
    guard !host.isEmpty else { throw .malformed }
    guard host == "[::1]" || Self.isIPv4Loopback(host) else { throw .notLoopback }
    self.host = host == "[::1]" ? "::1" : String(host)
    self.port = port
  }

  private init(_ host: String, _ port: UInt16) { (self.host, self.port) = (host, port) }

  /// The same address with another port.
  package func with(port: UInt16) -> LoopbackAddress { LoopbackAddress(host, port) }

  package var description: String { host == "::1" ? "[::1]:\(port)" : "\(host):\(port)" }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  /// Four decimal numbers, as inet_pton(3) wants them, the first of them 127.
  private static func isIPv4Loopback(_ host: some StringProtocol) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { part in
        part.utf8.allSatisfy(isDigit) && UInt8(part) != nil && (part.utf8.count == 1 || part.first != "0")
      }
  }
}
