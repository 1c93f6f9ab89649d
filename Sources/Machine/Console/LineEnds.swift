import Glibc
import Host

/// Has the lines of a small kernel that ends them with bare line feeds begin at the left of a terminal.
///
/// A serial terminal moves down at a line feed and does nothing else, and programs in a guest move its cursor by it.
/// So a guest that has ended some lines in a row with CR LF, as Linux's driver and its terminals do, is never helped
/// again. One alone may be the echo of a key before a bare line feed.
package struct LineEnds {
  /// What is written to.
  private let number: Int32
  /// Whether nothing is to be added any more.
  package private(set) var isOver = false
  private var last: UInt8 = 0
  /// How many lines in a row ended with CR LF.
  private var whole = 0
  private static let enough = 4
  /// Whether the carriage return before the line feed that comes next has been written.
  private var hasReturned = false

  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")
  /// Of what is written at once with something added.
  private static let mostBytes = 4096

  /// - Parameter number: a terminal's descriptor, or another, where nothing is added.
  package init(at number: Int32) { self.number = number }

  /// The bytes as the terminal shall have them.
  package mutating func added(to bytes: [UInt8]) -> [UInt8] {
    guard mustAdd(bytes.contains(Self.lineFeed)) else {
      last = bytes.last ?? last
      return bytes
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for byte in bytes {
      if pass(byte) { result.append(Self.carriageReturn) }
      result.append(byte)
    }
    return result
  }

  /// Writes some of the bytes, with what is added to them, as ``ByteSink/write(_:)`` does.
  ///
  /// - Returns: how many of them were taken.
  mutating func write(_ bytes: UnsafeRawBufferPointer, to sink: ByteSink) throws(SystemCallError) -> Int {
    // SAFETY: the caller's bytes, here and below, for the call.
    guard mustAdd(unsafe bytes.contains(Self.lineFeed)) else {
      let taken = unsafe try sink.write(bytes)
      if taken > 0 { last = unsafe bytes[taken - 1] }
      return taken
    }
    let bytes = unsafe Array(bytes.prefix(Self.mostBytes))
    var written = self
    let text = written.added(to: bytes)
    // SAFETY: the array's own memory, for the call.
    let taken = unsafe try text.span.withUnsafeBytes { bytes throws(SystemCallError) in unsafe try sink.write(bytes) }
    if taken == text.count {
      self = written
      return bytes.count
    }
    // As much of it again as was taken.
    var left = taken
    for (count, byte) in bytes.enumerated() {
      var next = self
      let size = next.pass(byte) ? 2 : 1
      guard left >= size else {
        if left == 1 { hasReturned = true }
        return count
      }
      left -= size
      self = next
    }
    return bytes.count
  }

  /// Whether something may have to be added to what comes next.
  private mutating func mustAdd(_ hasLineFeed: Bool) -> Bool {
    if isOver || !hasLineFeed { return false }
    guard let mode = try? TerminalMode(of: number) else {
      isOver = true
      return false
    }
    return !mode.returnsAtLineFeed
  }

  /// Takes the next byte.
  ///
  /// - Returns: whether a carriage return goes before it.
  private mutating func pass(_ byte: UInt8) -> Bool {
    defer { (last, hasReturned) = (byte, false) }
    guard !isOver, byte == Self.lineFeed else { return false }
    whole = last == Self.carriageReturn ? whole + 1 : 0
    isOver = whole == Self.enough
    return whole == 0 && !hasReturned
  }
}
