import ArgumentParser
import DiskImage

/// `rowhouse disk overlay`: makes an image that keeps only what differs from another.
struct DiskOverlayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "overlay",
    abstract: "Makes a qcow2 image that keeps only what differs from a base.",
    discussion: """
      The base is never written again, so any number of overlays can share one. Both paths start from the folder where \
      you are. The overlay names its base from its own folder, so the two can move together; a base that is given \
      by an absolute path is named by that.

      The exit status:
        0    the overlay is there
        2    wrong arguments, the file is there already, or the base cannot be used
      """)

  @Argument(help: "The image to stand on, raw or qcow2.")
  var base: String

  @Argument(help: "The file to make.")
  var path: String

  @Option(parsing: .unconditional, help: "The base's format (default: found by looking at it, once and for all).")
  var baseFormat: ImageFormat?

  func run() throws { try ImageCreation.makeOverlay(at: path, over: base, format: baseFormat) }
}
