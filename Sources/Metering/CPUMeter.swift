import Synchronization

/// What one vCPU does. Its thread counts here, and nobody else but where a function says so.
package struct CPUMeter: Sendable {
  private let block: MeterBlock

  init(_ block: MeterBlock) { self.block = block }

  @inline(__always)
  package func countExit(_ reason: ExitReason) {
    #if !ROWHOUSE_UNMETERED
      block.add(1, at: MeterLayout.CPU.exits.rawValue + 8 * reason.rawValue)
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
