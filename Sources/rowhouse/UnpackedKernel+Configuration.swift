import Machine
import Unpacking

extension UnpackedKernel {
  /// What a guest boots in its kernel's place.
  ///
  /// - Parameter isWanted: nil: nobody has said.
  /// - Returns: nil: the file is booted as it is.
  /// - Throws: when it is wanted and cannot be done.
  init?(booting configuration: Configuration, isWanted: Bool?) throws(UnpackingError) {
    // By these a bzImage is booted as it is, or not at all.
    let asItIs = [.flat, .multiboot].contains(configuration.bootProtocol)
    try self.init(of: configuration.kernel, isWanted: isWanted ?? (asItIs ? false : nil), cache: KernelCache())
  }
}
