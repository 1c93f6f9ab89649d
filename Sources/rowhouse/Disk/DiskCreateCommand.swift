import ArgumentParser
import DiskImage
import Machine

/// `rowhouse disk create`: makes an empty image.
struct DiskCreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Makes an empty disk image, which takes room as it is written to.",
    discussion: """
      The exit status:
        0    the image is there
        2    wrong arguments, the file is there already, or it cannot be made
      """)

  @Argument(help: "The file to make.")
  var path: String

  @Argument(help: "The size of the disk, like 512M or 2G.")
  var size: String

  @Option(parsing: .unconditional, help: "What to make.")
  var format: ImageFormat = .qcow2

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The unit in which a qcow2 image takes room, 1K to 2M (default: 64K).", valueName: "size"))
  var clusterSize: String?

  /// The image that the options describe.
  func makeCreation() throws(ConfigurationError) -> ImageCreation {
    var creation = ImageCreation(format: format, size: try DiskCommand.parseSize(size, of: "size"))
    if let clusterSize {
      guard format == .qcow2 else {
        throw ConfigurationError("--cluster-size \(clusterSize)", "a raw image has no clusters")
      }
      creation.clusterSize = try DiskCommand.parseSize(clusterSize, of: "--cluster-size")
    }
    return creation
  }

  func run() throws { try makeCreation().make(at: path) }
}
