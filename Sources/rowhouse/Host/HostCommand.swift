import ArgumentParser
import Glibc
import Host
import Machine

/// `rowhouse host`: how this machine is divided between the guests.
struct HostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host",
    abstract: "Shows how this machine is divided: what guests may use and do use of it, a bar for each.",
    discussion: """
      Each guest has a letter. CPU and memory are shares of this machine's; # is what other programs use of it. What \
      could go through disks and network cards nobody knows: their bars are shares of what the limits come to, or, \
      where a guest has none, of what goes through now. Rates are those of a quarter of a second, both directions \
      together.
      """)

  @Flag(help: "Say it as JSON.")
  var json = false

  func run() throws {
    let division = HostDivision(try Street())
    guard !json else { return print(HostDocument(division).json, terminator: "") }
    let size = isatty(STDOUT_FILENO) == 1 ? TerminalSize(of: STDOUT_FILENO) : nil
    // NO_COLOR by no-color.org.
    let isColored = size != nil && (Environment["NO_COLOR"] ?? "").isEmpty && Environment["TERM"] != "dumb"
    let columns = size.map { Int($0.columns) } ?? 80
    print(DivisionText(division, columns: columns, isColored: isColored).text, terminator: "")
  }
}
