import Host

/// What of the processes that run a guest is in memory (proc(5), /proc/PID/smaps), in bytes.
struct ResidentMemory {
  /// Of all their mappings, pages that are shared counted by each process's share of them (Pss).
  let proportional: UInt64
  /// The part of that which is the guest's memory.
  let guest: UInt64
  /// The part that is not.
  var overhead: UInt64 { proportional - guest }

  /// Why it cannot be told what is the guest's memory.
  enum Fault: Error, Equatable, CustomStringConvertible {
    case notFound
    case ambiguous

    var description: String {
      switch self {
      case .notFound: "no mapping of it is as large as the guest's memory"
      case .ambiguous: "several mappings of it are as large as the guest's memory; give the guest another --memory"
      }
    }
  }

  /// - Parameter processes: those that run one guest.
  init(of processes: [Int32], guestBytes: UInt64) throws(Fault) {
    try self.init(
      smaps: processes.map { process in (try? Self.smaps(of: process)) ?? "" }, guestBytes: guestBytes)
  }

  /// - Parameters:
  ///   - smaps: a text of each process.
  ///   - guestBytes: the guest's memory, whose mappings are told by their sizes: nothing else is common to all VMMs.
  init(smaps: [String], guestBytes: UInt64) throws(Fault) {
    let mappings = smaps.map(Mapping.parse)
    proportional = mappings.joined().reduce(0) { $0 + $1.resident }
    let found = mappings.flatMap { Self.candidates($0, guestBytes: guestBytes) }
    guard let first = found.first else { throw .notFound }
    guard found.count == 1 else { throw .ambiguous }
    guest = first
  }

  private static func smaps(of process: Int32) throws(SystemCallError) -> String {
    let file = try Descriptor.open("/proc/\(process)/smaps", .readOnly)
    var text: [UInt8] = []
    while true {
      let bytes = try file.read(atMost: 1 << 16)
      if bytes.isEmpty { break }
      text += bytes
    }
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: The guest's memory

  /// One or two neighbouring mappings.
  private struct Mapping {
    let start: UInt64
    let end: UInt64
    let isWritable: Bool
    var resident: UInt64 = 0

    var size: UInt64 { end - start }

    /// Those of a process, in ascending order.
    static func parse(_ smaps: String) -> [Mapping] {
      var mappings: [Mapping] = []
      for line in smaps.split(separator: "\n") {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count > 1 else { continue }
        let range = words[0].split(separator: "-")
        if range.count == 2, let start = UInt64(range[0], radix: 16), let end = UInt64(range[1], radix: 16) {
          mappings.append(Mapping(start: start, end: end, isWritable: words[1].dropFirst().first == "w"))
        } else if words[0] == "Pss:", let kibibytes = UInt64(words[1]), !mappings.isEmpty {
          mappings[mappings.count - 1].resident = kibibytes << 10
        }
      }
      return mappings
    }
  }

  /// Rowhouse keeps this much at the start of a stretch of a guest's memory in a mapping of its own.
  private static let smallPages: UInt64 = 2 << 20
  /// A PC's memory that does not fit below its devices' addresses goes on at 4 GiB, and many VMMs map the two parts
  /// apart. How much lies below differs, but is this.
  private static let lowMemory: Range<UInt64> = 2 << 30..<4 << 30

  /// - Returns: what is resident of each set of mappings that could be a guest's memory.
  private static func candidates(_ mappings: [Mapping], guestBytes: UInt64) -> [UInt64] {
    let writable = mappings.filter(\.isWritable)
    let joined = zip(writable, writable.dropFirst()).compactMap { small, large in
      small.end == large.start && small.size == smallPages
        ? Mapping(start: small.start, end: large.end, isWritable: true, resident: small.resident + large.resident) : nil
    }
    let stretches = writable + joined
    let whole = stretches.filter { $0.size == guestBytes }
    if !whole.isEmpty || guestBytes <= lowMemory.lowerBound { return whole.map(\.resident) }
    return stretches.indices.flatMap { index in
      stretches[..<index].compactMap { other in
        let one = stretches[index]
        let isApart = one.end <= other.start || other.end <= one.start
        let hasLow = lowMemory.contains(one.size) || lowMemory.contains(other.size)
        return isApart && hasLow && one.size + other.size == guestBytes ? one.resident + other.resident : nil
      }
    }
  }
}
