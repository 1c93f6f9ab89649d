import ArgumentParser
import DiskImage

/// `rowhouse disk info`: what there is to say about an image.
struct DiskInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Says what an image is: its format, size, and what it stands on.",
    discussion: """
      The exit status:
        0    said
        2    wrong arguments, or a file that cannot be used
      """)

  @Argument(help: "The image.")
  var path: String

  @Flag(help: "Say it as JSON.")
  var json = false

  func run() throws {
    let info = try ImageInfo(path: path)
    print(json ? DiskInfoDocument(info).json : info.text, terminator: "")
  }
}
