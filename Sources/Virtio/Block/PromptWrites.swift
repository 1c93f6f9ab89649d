import Host

/// Says which writes to the host's page cache the I/O thread does by itself, though the kernel would do them in its own
/// time.
///
/// A few KiB are copied in a microsecond or two. Some file systems write to the cache only where they may wait
/// (``DiskFile/isWrittenByWorkers``), so io_uring hands such a write to a thread of its own: two wake-ups, which take
/// several times as long, and which beside other work on the host's CPUs each wait for their turn.
///
/// For these too a write may have to wait, for the file system's journal or until older pages are on the disk, and the
/// I/O thread serves other devices. So it does some of a turn only, and none for a while when they have waited.
package struct PromptWrites {
  /// Requests with more bytes than this take longer than the way to another thread.
  static let mostBytes: UInt64 = 64 << 10
  /// What all of a turn may take, in nanoseconds, before the rest goes to the kernel.
  static let turn: UInt64 = 2_000_000
  /// Nanoseconds. Whatever a write takes beyond that, it has waited.
  static let copy: UInt64 = 100_000
  /// How long writes may wait, in nanoseconds; a hundredth of the time is forgiven. A thread that a CPU is taken from
  /// now and then stays below.
  static let patience: UInt64 = 20_000_000
  /// For how long none are done here then, in nanoseconds.
  static let pause: UInt64 = 500 * patience

  private var spentInTurn: UInt64 = 0
  private var waited: UInt64 = 0
  private var lastNote = Instant(nanoseconds: 0)
  private var resumption = Instant(nanoseconds: 0)

  package init() {}

  /// Whether a write of a request with so many bytes is to be done at once.
  func permits(bytes: UInt64, at now: Instant) -> Bool {
    bytes <= Self.mostBytes && spentInTurn < Self.turn && now >= resumption
  }

  /// Notes how long one took.
  mutating func note(from start: Instant, to end: Instant) {
    let time = end.nanoseconds(since: start)
    spentInTurn += time
    waited -= min(waited, end.nanoseconds(since: lastNote) / 100)
    waited += time - min(time, Self.copy)
    lastNote = end
    guard waited > Self.patience else { return }
    waited = 0
    resumption = end.advanced(byNanoseconds: Self.pause)
  }

  /// The other devices have had their turn.
  mutating func beginTurn() { spentInTurn = 0 }
}
