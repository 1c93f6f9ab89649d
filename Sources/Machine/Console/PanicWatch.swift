import Host

/// Reads the guest's console for a kernel's last words.
///
/// A panic is what a kernel prints, and what a person may print too: an old log, a test's output. So a line counts only
/// as the kernel prints it, at its start but for a time stamp; and it is taken back when the guest goes on as no kernel
/// does after a panic: with a line that is not the kernel's, with a shutdown in good order, or after a pause.
///
/// How long the whole text takes says nothing: the console's reader may be slow, and so may the host.
struct PanicWatch {
  enum State: Equatable {
    case calm
    /// The panic's first line came.
    case panicked(isStamped: Bool)
    /// The panic's last line came at this moment: the kernel spins from here on.
    case finished(Instant)

    /// What two consoles of one guest show together.
    func joined(with other: State) -> State {
      switch (self, other) {
      case (.finished, _), (.panicked, .calm), (.panicked, .panicked), (.calm, .calm): self
      default: other
      }
    }
  }

  private(set) var state = State.calm
  private var line = InlineArray<96, UInt8>(repeating: 0)
  private var length = 0

  /// While it panics: when the last line ended, and whether the guest had to wait for the console since.
  private var lastLine = Instant(nanoseconds: 0)
  private var isHeldUp = false

  /// A kernel that panics prints line after line, and waits a second for its other CPUs and Xen five before it reboots;
  /// a guest that prints after a longer pause is alive. In nanoseconds.
  private static let longestPause: UInt64 = 10_000_000_000

  /// How long after a panic's last line the guest must be silent to be believed, in nanoseconds.
  static let silence: UInt64 = 300_000_000

  /// The console takes nothing more for now, so the guest has to wait: the pause is not its own.
  mutating func holdUp() { isHeldUp = true }

  /// Takes the next byte of the console.
  ///
  /// - Returns: whether it changed the state.
  mutating func feed(_ byte: UInt8, at now: @autoclosure () -> Instant = .now) -> Bool {
    guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
      // Only the start of a line is looked at.
      if length < line.count {
        line[length] = byte
        length += 1
      }
      // A shell's prompt is no whole line.
      guard case .finished = state else { return false }
      state = .calm
      return true
    }
    guard length > 0 else { return false }
    let before = state
    endLine(at: now)
    length = 0
    return state != before
  }

  private mutating func endLine(at now: () -> Instant) {
    let (start, isStamped) = skipPrefix()
    if starts(at: start, with: "Kernel panic - not syncing") || starts(at: start, with: "Panic on CPU ") {
      state = .panicked(isStamped: isStamped)
    } else if case .panicked(let panicIsStamped) = state {
      if starts(at: start, with: "---[ end Kernel panic - not syncing") {
        state = .finished(now())
      } else if panicIsStamped && !isStamped || starts(at: start, with: "reboot: ") || hasPaused(until: now()) {
        state = .calm
      }
    }
    guard case .panicked = state else { return }
    lastLine = now()
    isHeldUp = false
  }

  private func hasPaused(until now: Instant) -> Bool {
    !isHeldUp && now.nanoseconds(since: lastLine) > Self.longestPause
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
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: " "), UInt8(ascii: "T"),
      UInt8(ascii: "C"): true
    default: false
    }
  }

  private func starts(at start: Int, with text: StaticString) -> Bool {
    guard start + text.utf8CodeUnitCount <= length else { return false }
    return text.withUTF8Buffer { text in
      // SAFETY: the index is below the text's count.
      for index in 0..<text.count where unsafe line[start + index] != text[index] { return false }
      return true
    }
  }
}
