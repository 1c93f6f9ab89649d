import Synchronization

/// What one vCPU does. Its thread counts here, and nobody else but where a function says so.
// Public, as only what is public can be inlined in other modules.
@safe public struct CPUMeter: @unchecked Sendable {
  private let block: MeterBlock
  // SAFETY: the block keeps these words in place. They are atomic, so any thread may have them.
  @usableFromInline let exits: UnsafePointer<Atomic<UInt64>>

  init(_ block: MeterBlock) {
    self.block = block
    unsafe exits = block.words(at: MeterLayout.CPU.exits.rawValue)
  }

  /// Counts one. It is on the way of every exit, where a call would be most of what metering costs.
  @inlinable
  public func countExit(_ reason: ExitReason) {
    #if !ROWHOUSE_UNMETERED
      // SAFETY: there is a word for each reason (``MeterLayout``).
      let counter = unsafe exits + reason.rawValue
      unsafe counter.pointee.store(counter.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    #endif
  }

  /// What is written down of the CPU time, in nanoseconds. A thread that begins to run the vCPU counts on from there.
  package var timeRun: UInt64 { block.load(at: MeterLayout.CPU.timeRun.rawValue) }

  /// Writes down the CPU time of the vCPU's thread, guest and host together, and of the threads before it, which ended
  /// with a reset; in nanoseconds, never less than before. The I/O thread does while the thread runs, the thread itself
  /// when it ends.
  package func raiseTimeRun(to nanoseconds: UInt64) {
    block.page.word(block.start + MeterLayout.CPU.timeRun.rawValue) { _ = $0.max(nanoseconds, ordering: .relaxed) }
  }

  /// Adds time during which the vCPU had used its quota, and waited.
  package func countThrottled(nanoseconds: UInt64) {
    block.add(nanoseconds, at: MeterLayout.CPU.timeThrottled.rawValue)
  }
}
