import Host

/// The fields of a process' /proc/PID/stat (proc(5)).
struct ProcessStat {
  /// From the third on.
  private let fields: [Substring]

  /// - Returns: nil when it cannot be read.
  init?(of process: Int32) {
    guard let file = try? Descriptor.open("/proc/\(process)/stat", .readOnly),
      let bytes = try? file.read(atMost: 1 << 12)
    else { return nil }
    self.init(String(decoding: bytes, as: UTF8.self))
  }

  init?(_ stat: String) {
    // The second field, the program's name in parentheses, may have spaces and parentheses in it.
    guard let name = stat.lastIndex(of: ")") else { return nil }
    fields = stat[stat.index(after: name)...].split(separator: " ")
  }

  /// A field by its number in proc(5), from 3 on; nil when it is no such number, or not there.
  func number<Number: FixedWidthInteger>(_ field: Int) -> Number? {
    fields.indices.contains(field - 3) ? Number(fields[field - 3]) : nil
  }
}
