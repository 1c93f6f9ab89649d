import Host

/// Says which writes to the host's page cache the I/O thread does by itself, though the kernel would do them in its own time.
///
/// A few KiB are copied in a microsecond or two. Most file systems write to the cache only where they may wait, so io_uring
/// hands such a write to a thread of its own: two wake-ups, which take several times as long, and which beside other work on
/// the host's CPUs each wait for their turn.
///
/// For these too the file system may wait, for its journal or until older pages are on the disk, and the I/O thread serves
/// other devices. So after a write that took long, all go to the kernel for a while.
package struct PromptWrites {
  /// More bytes than this take longer than the way to another thread.
  static let mostBytes = 64 << 10
  /// Nanoseconds. Who is woken late because a CPU is busy has waited less than this for it.
  static let patience: UInt64 = 10_000_000
  /// Nanoseconds: at worst a thousandth of the I/O thread's time goes into finding out that writes take ``patience``.
  static let pause: UInt64 = 1000 * patience
  private var resumption = Instant(nanoseconds: 0)

  package init() {}

  /// Whether a write of `bytes` is to be done at once.
  func permits(bytes: Int, at now: Instant) -> Bool { bytes <= Self.mostBytes && now >= resumption }

  /// Notes how long one took.
  mutating func note(from start: Instant, to end: Instant) {
    if end.nanoseconds(since: start) > Self.patience { resumption = end.advanced(byNanoseconds: Self.pause) }
  }
}
