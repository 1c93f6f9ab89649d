import Host

/// What of a VMM's process is in memory (proc(5), /proc/PID/smaps), in bytes.
struct ResidentMemory {
  /// Of all its mappings, pages that are shared counted by the process's share of them (Pss).
  var proportional: UInt64 = 0
  /// The part of that which is not the guest's memory.
  var overhead: UInt64 = 0

  /// Rowhouse keeps this much at the start of a guest's memory in a mapping of its own.
  private static let smallPages: UInt64 = 2 << 20

  /// - Parameter guestBytes: the guest's memory, which is told by its size.
  init(process: Int32, guestBytes: UInt64) throws(SystemCallError) {
    let file = try Descriptor.open("/proc/\(process)/smaps", .readOnly)
    var text: [UInt8] = []
    while true {
      let bytes = try file.read(atMost: 1 << 16)
      if bytes.isEmpty { break }
      text += bytes
    }
    self.init(smaps: String(decoding: text, as: UTF8.self), guestBytes: guestBytes)
  }

  init(smaps: String, guestBytes: UInt64) {
    var mappings: [(start: UInt64, end: UInt64, bytes: UInt64)] = []
    for line in smaps.split(separator: "\n") {
      let words = line.split(separator: " ")
      let range = words[0].split(separator: "-")
      if range.count == 2, let start = UInt64(range[0], radix: 16), let end = UInt64(range[1], radix: 16) {
        mappings.append((start, end, 0))
      } else if words[0] == "Pss:", words.count > 1, let kibibytes = UInt64(words[1]), !mappings.isEmpty {
        mappings[mappings.count - 1].bytes = kibibytes << 10
      }
    }
    proportional = mappings.reduce(0) { $0 + $1.bytes }
    let large = mappings.first { $0.end - $0.start >= guestBytes - min(guestBytes, Self.smallPages) }
    let small = large.flatMap { large in
      mappings.first { $0.end == large.start && $0.end - $0.start == Self.smallPages }
    }
    overhead = proportional - (large?.bytes ?? 0) - (small?.bytes ?? 0)
  }
}
