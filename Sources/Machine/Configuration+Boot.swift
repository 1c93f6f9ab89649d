import Boot
import GuestMemory

/// What a configuration has booted.
extension Configuration {
  /// The files that are booted, opened.
  func bootRequest() throws(BootError) -> BootRequest {
    var request = BootRequest(kernel: try ImageFile(path: kernel))
    if let unpackedKernel { request.unpacked = try ImageFile(path: kernel, at: unpackedKernel) }
    if let path = initrd { request.initrd = try ImageFile(path: path) }
    for module in modules {
      request.modules.append(.init(file: try ImageFile(path: module.path), string: module.text))
    }
    request.commandLine = commandLine
    request.console = consoleDevice == .serial ? .serial : .virtio
    request.bootProtocol = bootProtocol
    if let address = loadAddress { request.loadAddress = address }
    request.entry = entry
    return request
  }

  /// The command line that the kernel gets when none is given.
  ///
  /// - Returns: nil: none, as for whatever is not Linux by its own boot protocol, or cannot be booted here.
  /// - Throws: when a file cannot be read.
  package func usualCommandLine() throws(ConfigurationError) -> String? {
    do throws(BootError) {
      let request = try bootRequest()
      return (try? request.resolvedProtocol()) == .linux ? request.defaultLinuxCommandLine : nil
    } catch {
      throw ConfigurationError(error.subject, "\(error.reason)")
    }
  }
}
