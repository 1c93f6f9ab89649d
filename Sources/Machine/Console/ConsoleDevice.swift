import Devices
import Virtio

/// A device by which a guest is typed to.
protocol ConsoleDevice: AnyObject {
  /// Bytes arrive for the guest.
  ///
  /// - Returns: how many there was room for. After fewer than offered, ``ConsoleOutput/inputRoom`` is signalled when
  ///   there is room again.
  func receive(_ bytes: Span<UInt8>) -> Int
}

extension UART16550: ConsoleDevice {}
extension ConsoleLine: ConsoleDevice {}
