/// What of a process' memory is in the host's RAM (proc(5), /proc/PID/status).
package struct ProcessMemory: ~Copyable {
  private let file: Descriptor

  package struct Figures: Equatable, Sendable {
    /// VmRSS, in bytes.
    package let resident: UInt64
    /// VmHWM, in bytes: the most that there was.
    package let peak: UInt64
  }

  /// This process'.
  package init() throws(SystemCallError) { file = try .open("/proc/self/status", .readOnly) }

  package init(of process: Int32) throws(SystemCallError) { file = try .open("/proc/\(process)/status", .readOnly) }

  /// The figures now, as exact as the kernel's own counters; nil where there is no such file.
  package func figures() -> Figures? {
    guard let bytes = try? file.read(count: 4096, at: 0), let resident = Self.kibibytes("VmRSS:", in: bytes),
      let peak = Self.kibibytes("VmHWM:", in: bytes)
    else { return nil }
    return Figures(resident: resident << 10, peak: peak << 10)
  }

  /// The number after a line's first word.
  private static func kibibytes(_ word: StaticString, in bytes: [UInt8]) -> UInt64? {
    let count = word.utf8CodeUnitCount
    for line in bytes.split(separator: UInt8(ascii: "\n")) where line.count > count {
      // SAFETY: a StaticString of these lives for ever, and is as long as it says.
      let isIt = word.withUTF8Buffer { unsafe line.prefix(count).elementsEqual($0) }
      if !isIt { continue }
      return line.dropFirst(count).reduce(into: nil as UInt64?) { number, byte in
        if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
          number = (number ?? 0) &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
        }
      }
    }
    return nil
  }
}
