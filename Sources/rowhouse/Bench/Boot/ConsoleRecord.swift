import Glibc
import Host

/// What a guest's console said, and when.
///
/// While the guest runs no more is done with a byte than to keep it: where the VMM and this program share a CPU, all
/// that is done for a byte is charged to the VMM, and one that writes them singly pays for each. Lines come later.
struct ConsoleRecord {
  private var bytes: [UInt8] = []
  /// Where in `bytes` each read ended, and when it was.
  private var reads: [(end: Int, instant: Instant)] = []
  /// What a read fills, made once.
  private var piece = [UInt8](repeating: 0, count: 1 << 16)

  /// Where the first line begins that was not looked at to its end.
  private var lineStart = 0
  /// The read that brought the byte before it.
  private var lineRead = 0
  /// How much there was when lines were last looked at.
  private var countAtLook = 0

  /// What a console says beyond this is not kept.
  private static let limit = 64 << 20

  init() {
    bytes.reserveCapacity(1 << 16)
    reads.reserveCapacity(1 << 12)
  }

  /// When the first byte came, nil when none did.
  var firstByte: Instant? { reads.first?.instant }

  /// Reads once from a console that has something.
  mutating func read(from console: borrowing Descriptor) throws(SystemCallError) {
    // SAFETY: the array's own memory, which the call only fills.
    let count = unsafe try piece.withUnsafeMutableBufferPointer { piece throws(SystemCallError) in
      unsafe try console.read(into: UnsafeMutableRawBufferPointer(piece))
    }
    take(piece[..<count], at: .now)
  }

  mutating func take(_ more: ArraySlice<UInt8>, at instant: Instant) {
    guard !more.isEmpty, bytes.count + more.count <= Self.limit else { return }
    bytes += more
    reads.append((bytes.count, instant))
  }

  /// Calls `look` with each line that has ended since the last call, and with when its last byte came.
  ///
  /// Prompts do not end. The last line, unfinished as it is, is looked at when nothing has come since the last call:
  /// not before, as what a VMM has written so far of a line says nothing.
  ///
  /// - Parameter isAll: whether nothing more will come.
  mutating func lines(isAll: Bool, _ look: (String, Instant) -> Void) {
    let isQuiet = bytes.count == countAtLook
    countAtLook = bytes.count
    while let end = bytes[lineStart...].firstIndex(of: UInt8(ascii: "\n")) {
      look(text(lineStart..<end), instant(of: end))
      lineStart = end + 1
    }
    if isAll || isQuiet, lineStart < bytes.count {
      look(text(lineStart..<bytes.count), instant(of: bytes.count - 1))
    }
  }

  /// - Parameter index: of a byte, not before that of the last call.
  private mutating func instant(of index: Int) -> Instant {
    while reads[lineRead].end <= index { lineRead += 1 }
    return reads[lineRead].instant
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range].filter { $0 != 0 && $0 != UInt8(ascii: "\r") }, as: UTF8.self)
  }
}
