import Boot
import GuestMemory
import Virtio

/// Where a guest finds a virtio device: a window of registers and an interrupt.
struct VirtioPlace: Equatable {
  let window: GuestAddress
  let interrupt: UInt32

  /// The most devices that a machine has room for.
  static let count = Layout.virtioInterrupts.count

  /// - Parameter index: counted from 0, below ``count``.
  init(_ index: Int) {
    window = GuestAddress(Layout.virtio.first.rawValue + UInt64(index) * MMIOTransport.windowBytes)
    interrupt = Layout.virtioInterrupts[index]
  }

  /// As the DSDT has it.
  var description: Platform.VirtioDevice {
    .init(window: UInt32(window.rawValue), count: UInt32(MMIOTransport.windowBytes), interrupt: interrupt)
  }

  /// As Linux is told when it must not look into the DSDT (its kernel-parameters.txt, virtio_mmio.device).
  var kernelParameter: String { "virtio_mmio.device=\(MMIOTransport.windowBytes)@\(window):\(interrupt)" }
}

extension [VirtioPlace] {
  /// A kernel's command line, which names the devices to a Linux that was told to do without ACPI, and to no other: it would
  /// find them twice.
  func completing(_ commandLine: String?) -> String? {
    guard let commandLine, commandLine.split(separator: " ").contains("acpi=off") else { return commandLine }
    return ([commandLine] + map(\.kernelParameter)).joined(separator: " ")
  }
}
