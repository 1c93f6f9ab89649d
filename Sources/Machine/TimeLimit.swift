import Host

/// How long a guest may run. Time in which it is paused does not count.
final class TimeLimit {
  private let timer: TimerFD
  private let nanoseconds: UInt64
  /// When it is over; nil before the start, and while the guest is paused.
  private var end: Instant?
  /// What was left when the guest was paused.
  private var left: UInt64?

  init(_ nanoseconds: UInt64) throws(SystemCallError) {
    timer = try TimerFD()
    self.nanoseconds = nanoseconds
  }

  func watch(on loop: EventLoop, _ whenOver: @escaping () -> Void) throws(SystemCallError) {
    try loop.add(timer.number, .readable) { [unowned self] _ in
      timer.acknowledge()
      whenOver()
    }
  }

  /// The guest's first instruction. What comes after it, when the guest has reset, changes nothing.
  func start() {
    guard end == nil, left == nil else { return }
    arm(nanoseconds)
  }

  func pause() {
    guard let end else { return }
    left = end.nanoseconds(since: .now)
    self.end = nil
    timer.disarm()
  }

  func resume() {
    guard let left else { return }
    self.left = nil
    arm(left)
  }

  private func arm(_ nanoseconds: UInt64) {
    let end = Instant.now.advanced(byNanoseconds: nanoseconds)
    self.end = end
    timer.arm(at: end)
  }
}
