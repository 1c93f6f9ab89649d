import Host

/// Reads the guest's console for a kernel's last words.
///
/// A panic is what a kernel prints, and what a person may print too: an old log, a test's output. So a line counts only
/// as the kernel prints it, at its start but for a time stamp; and it is taken back when the guest goes on talking as no
/// kernel does after a panic.
struct PanicWatch {
  enum State: Equatable {
    case calm
    /// The panic's first line came at this moment.
    case panicked(Instant, isStamped: Bool)
    /// The panic's last line came: the kernel spins from here on.
    case finished(Instant)
  }

  private(set) var state = State.calm
  private var line = InlineArray<96, UInt8>(repeating: 0)
  private var length = 0

  /// Kernels go from the first to the last line of a panic in less than this; a guest that prints after it is alive.
  private static let patience: UInt64 = 1_000_000_000

  /// How long after a panic's last line the guest must be silent to be believed, in nanoseconds.
  static let silence: UInt64 = 300_000_000

  /// Whether a guest that ends now, by a reset, a halt or a fault, ends by its panic.
  var hasPanicked: Bool { state != .calm }

  /// Takes the next byte of the console.
  ///
  /// - Returns: whether it ended a line that changed the state.
  mutating func feed(_ byte: UInt8) -> Bool {
    guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
      // Only the start of a line is looked at.
      if length < line.count {
        line[length] = byte
        length += 1
      }
      return false
    }
    guard length > 0 else { return false }
    defer { length = 0 }
    return endLine()
  }

  private mutating func endLine() -> Bool {
    let (start, isStamped) = skipPrefix()
    let before = state
    if starts(at: start, with: "---[ end Kernel panic - not syncing") {
      // Only after a first line: the two make a panic.
      if case .panicked = state { state = .finished(.now) }
    } else if starts(at: start, with: "Kernel panic - not syncing") || starts(at: start, with: "Panic on CPU ") {
      state = .panicked(.now, isStamped: isStamped)
    } else {
      switch state {
      case .calm: break
      case .panicked(let moment, let panicIsStamped):
        let isKernels = isStamped || !panicIsStamped
        if !isKernels || !starts(at: start, with: "Reboot") && Instant.now.nanoseconds(since: moment) > Self.patience {
          state = .calm
        }
      case .finished: state = .calm
      }
    }
    return state != before
  }

  /// Goes over what Linux and Xen put before a line: "<4>", "[    1.234567] ", "[    T1] ", "(XEN) ".
  private func skipPrefix() -> (start: Int, isStamped: Bool) {
    var start = 0
    var isStamped = false
    if length >= 3, line[0] == UInt8(ascii: "<"), line[2] == UInt8(ascii: ">") { start = 3 }
    if starts(at: start, with: "(XEN) ") {
      start += 6
      isStamped = true
    }
    while start < length, line[start] == UInt8(ascii: "[") {
      var end = start + 1
      while end < length, line[end] != UInt8(ascii: "]"), Self.isStampByte(line[end]) { end += 1 }
      guard end < length, line[end] == UInt8(ascii: "]") else { break }
      isStamped = true
      start = end + 1
      while start < length, line[start] == UInt8(ascii: " ") { start += 1 }
    }
    return (start, isStamped)
  }

  /// Digits, dots and blanks of a time; T, C and digits of a thread or CPU.
  private static func isStampByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: " "), UInt8(ascii: "T"), UInt8(ascii: "C"): true
    default: false
    }
  }

  private func starts(at start: Int, with text: StaticString) -> Bool {
    guard start + text.utf8CodeUnitCount <= length else { return false }
    return text.withUTF8Buffer { text in
      for index in 0..<text.count where unsafe line[start + index] != text[index] { return false }
      return true
    }
  }
}
