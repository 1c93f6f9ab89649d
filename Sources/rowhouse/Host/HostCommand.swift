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
      Each guest has a letter. CPU and memory are shares of what this shell may have of the machine: its CPU affinity \
      and its control groups' cpu.max and memory.max are named where they make it less. Memory that guests may use is \
      what they were promised when they started, out of the budget by which starts are refused. # is what other \
      programs use. A CPU share is that of the vCPUs, which a quota holds; devices are the rest of the VMM, but that \
      with --cgroup the quota holds all of it, and the share is of all. A guest is silent whose VMM does not answer. What \
      could go through disks and network cards nobody knows: their bars are shares of what the limits come to, or, \
      where a guest has none, of what goes through now. Rates are those of a quarter of a second, both directions \
      together.
      """)

  @Flag(help: "Say it as JSON.")
  var json = false

  func run() throws {
    let division = try HostDivision(Street())
    guard !json else { return print(HostDocument(division).json, terminator: "") }
    let size = isatty(STDOUT_FILENO) == 1 ? TerminalSize(of: STDOUT_FILENO) : nil
    // NO_COLOR by no-color.org.
    let isColored = size != nil && (Environment["NO_COLOR"] ?? "").isEmpty && Environment["TERM"] != "dumb"
    let columns = size.map { Int($0.columns) } ?? 80
    print(DivisionText(division, columns: columns, isColored: isColored).text, terminator: "")
  }
}
