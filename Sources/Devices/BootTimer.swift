import Host

/// A page of physical memory to whose first byte a guest writes 123 when it has come to a point worth timing, usually
/// its `init`.
///
/// The address and the number are Firecracker's convention, so that guests prepared for it are timed here too.
package final class BootTimer: BusDevice {
  /// The one value that is a mark.
  package static let mark: UInt8 = 123

  private let recorder: any MarkRecorder

  package init(recorder: any MarkRecorder) { self.recorder = recorder }

  package func read(offset: UInt64, size: Int) -> UInt64 { Bus.floating }

  package func write(offset: UInt64, size: Int, value: UInt64) {
    let now = Instant.now
    guard offset == 0, size == 1, value == UInt64(Self.mark) else { return }
    recorder.record(Self.mark, from: .bootTimer, at: now)
  }
}
