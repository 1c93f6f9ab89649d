import Boot
import Machine
import Unpacking

extension UnpackedKernel {
  /// What a guest boots in its kernel's place.
  ///
  /// - Parameter isWanted: nil: nobody has said.
  /// - Returns: nil: the file is booted as it is.
  /// - Throws: when it is wanted and cannot be done.
  init?(booting configuration: Configuration, isWanted: Bool?) throws(UnpackingError) {
    let asItIs = configuration.bootProtocol?.bootsBzImagesAsTheyAre ?? false
    try self.init(
      of: configuration.kernel, isWanted: isWanted ?? (asItIs ? false : nil),
      isMoved: configuration.bootProtocol != .pvh, cache: KernelCache())
  }
}

extension BootProtocol {
  /// Whether a bzImage is booted as it is, or not at all.
  var bootsBzImagesAsTheyAre: Bool { self == .flat || self == .multiboot }
}
