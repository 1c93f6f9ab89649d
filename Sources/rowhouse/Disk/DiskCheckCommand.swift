import ArgumentParser
import DiskImage

/// `rowhouse disk check`: whether the tables of a qcow2 image are sound.
struct DiskCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks the tables of a qcow2 image; changes nothing.",
    discussion: """
      The exit status:
        0    the image is sound
        2    wrong arguments, or a file that is no qcow2 image or cannot be used
        3    leaks: room is lost that nothing uses, and nothing worse
        4    errors: tables contradict each other, and the image must not be written
      """)

  @Argument(help: "The image.")
  var path: String

  @Flag(help: "Say it as JSON.")
  var json = false

  func run() throws {
    let report = try CheckReport(checking: path)
    print(json ? DiskCheckDocument(report, of: path).json : report.text(of: path), terminator: "")
    if report.exitStatus != 0 { throw ExitCode(report.exitStatus) }
  }
}
