import ArgumentParser
import DiskImage
import Machine

/// `rowhouse disk`: makes disk images and looks at them, while no guest runs on them.
struct DiskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disk",
    abstract: "Makes disk images and looks at them.",
    discussion: """
      Images are raw or qcow2, as other virtual machine monitors read and write them. An image that a guest or another \
      program is writing is left alone, and no file is ever overwritten.
      """,
    subcommands: [
      DiskCreateCommand.self, DiskOverlayCommand.self, DiskInfoCommand.self, DiskCheckCommand.self,
    ])

  /// A size as a person types it, never zero.
  static func parseSize(_ text: String, of subject: String) throws(ConfigurationError) -> UInt64 {
    guard let size = ByteSize.parse(text), size > 0 else {
      throw ConfigurationError("\(subject) \(text)", "give a size like 64K, 512M or 2G")
    }
    return size
  }
}

extension ImageFormat: ExpressibleByArgument {}
