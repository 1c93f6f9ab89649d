/// What the kernel has thrown away at a network interface of this process' own network namespace.
package enum InterfaceDrops {
  /// Anybody may read it, whoever owns the interface (proc_net(5), dev).
  private static let table = "/proc/self/net/dev"
  /// Hundreds of interfaces, a line of some 130 bytes for each.
  private static let mostBytes = 65_536
  /// "drop" of what is sent, among the numbers behind an interface's name: eight of what is received come before.
  private static let column = 8 + 3

  /// Packets that were to be sent by an interface and were not, since the interface was made; those to a TAP device
  /// whose queue was full are among them.
  ///
  /// - Returns: nil when there is no interface of that name.
  package static func sent(by interface: String) -> UInt64? {
    guard let bytes = try? Descriptor.open(table, .readOnly).read(count: mostBytes, at: 0) else { return nil }
    return sent(by: interface, in: bytes)
  }

  static func sent(by interface: String, in table: [UInt8]) -> UInt64? {
    let name = Array(interface.utf8)
    for line in table.split(separator: UInt8(ascii: "\n")) {
      // A name may have a colon itself, of an alias; the numbers have none.
      guard let colon = line.lastIndex(of: UInt8(ascii: ":")),
        line[..<colon].drop(while: { $0 == UInt8(ascii: " ") }).elementsEqual(name)
      else { continue }
      let numbers = line[(colon + 1)...].split(separator: UInt8(ascii: " "))
      return numbers.count > column ? UInt64(String(decoding: numbers[column], as: UTF8.self)) : nil
    }
    return nil
  }
}
