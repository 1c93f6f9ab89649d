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
  /// A kernel's command line, which names the devices to a Linux that was told to do without ACPI, and to no other: it
  /// would find them twice. Those that it names already stay as they are.
  func completing(_ commandLine: String?) -> String? {
    guard let commandLine, !isEmpty else { return commandLine }
    let words = commandLine.split(separator: " ")
    guard words.contains("acpi=off") else { return commandLine }
    let named = words.compactMap(VirtioPlace.window(namedBy:))
    return ([commandLine] + filter { !named.contains($0.window) }.map(\.kernelParameter)).joined(separator: " ")
  }
}

extension VirtioPlace {
  /// The window that a word of a command line names; Linux takes `-` and `_` for the same.
  fileprivate static func window(namedBy word: Substring) -> GuestAddress? {
    guard ["virtio_mmio.device=", "virtio-mmio.device="].contains(where: { word.hasPrefix($0) }),
      let at = word.firstIndex(of: "@")
    else { return nil }
    return try? Configuration.parseAddress(String(word[at...].dropFirst().prefix { $0 != ":" }), option: "")
  }
}
