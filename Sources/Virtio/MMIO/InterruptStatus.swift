import Devices
import Synchronization

/// Why a device's interrupt was raised (virtio 1.2, 4.2.2, InterruptStatus), and the pin itself.
///
/// Drivers read and acknowledge it on every interrupt, so it is apart from the registers that need the device's lock.
final class InterruptStatus: Sendable {
  struct Reason: OptionSet {
    let rawValue: UInt32
    static let usedBuffer = Reason(rawValue: 1)
    static let configurationChange = Reason(rawValue: 2)
  }

  private let bits = Atomic<UInt32>(0)
  private let line: InterruptLine

  init(_ line: InterruptLine) { self.line = line }

  /// Sets the reason first: a driver that is interrupted must find it. A pulse each time, since the pin is
  /// edge-triggered: a driver that has read the reasons just before acknowledges ones that it has not seen, but looks
  /// at its queues after that, and so misses nothing.
  func raise(_ reason: Reason) {
    bits.bitwiseOr(reason.rawValue, ordering: .releasing)
    line.pulse()
  }

  func acknowledge(_ mask: UInt32) { bits.bitwiseAnd(~mask, ordering: .releasing) }

  func clear() { bits.store(0, ordering: .releasing) }

  var value: UInt32 { bits.load(ordering: .acquiring) }
}
