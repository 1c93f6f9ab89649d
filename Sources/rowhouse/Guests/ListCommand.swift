import ArgumentParser
import Glibc
import Host
import Machine

/// `rowhouse list`: the guests that there are.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists your guests: those that run, and what is left of others.",
    discussion: """
      A guest whose VMM died without saying how the guest ended has crashed; one whose VMM takes no samples, as it is \
      stopped or has no CPU, is silent; one whose folder cannot be looked into is unknown. Of guests that were there \
      when the host went down nothing is left if $XDG_RUNTIME_DIR is in memory, as it usually is. CPU is the share of \
      one CPU over its life, with --watch since the last look. With --watch a terminal shows as many as its window \
      has room for.
      """)

  @Flag(help: "Say it as JSON.")
  var json = false

  @Flag(help: "Show it again every second, until Ctrl-C.")
  var watch = false

  func run() throws {
    let street = try Street()
    Remains.settle()
    var shares = CPUShares()
    var failures: [any Error] = []
    repeat {
      failures = []
      var guests = try street.guests().compactMap { folder -> GuestSummary? in
        do throws(SystemCallError) {
          // Perhaps it was removed since it was found.
          guard let look = try folder.lookIfThere() else { return nil }
          folder.settleIfPossible(look)
          return GuestSummary(folder, look)
        } catch {
          failures.append(folder.unknown(error))
          return GuestSummary(folder, nil)
        }
      }
      if watch { shares.look(at: &guests) }
      let text = json ? GuestList(guests: guests).json : Self.table(guests)
      let shown = isDrawn ? Drawing.over(text.split(separator: "\n").map(String.init), in: Drawing.size) : text
      print(shown, terminator: "")
      try StandardOutput.flush()
      if watch { sleep(1) }
    } while watch
    try failures.report()
  }

  /// Whether each look is drawn over the last. A program's input is not.
  private var isDrawn: Bool { watch && !json && isatty(STDOUT_FILENO) == 1 }

  private struct GuestList: JSONDocument { let guests: [GuestSummary] }

  static func table(_ guests: [GuestSummary]) -> String {
    let head = ["NAME", "STATE", "UPTIME", "CPUS", "MEMORY", "RESIDENT", "CPU", "VIEWERS", "VERDICT"]
    let rows = guests.map { guest -> [String] in
      let figures: [String?] = [
        guest.uptimeNanoseconds.map(HumanQuantity.duration), guest.cpus.map(String.init), guest.memoryBytes.map(ByteSize.format),
        guest.residentBytes.map(HumanQuantity.bytes), guest.cpuPercent.map { "\($0)%" },
        guest.viewers.map(String.init), verdict(of: guest),
      ]
      return [guest.name, guest.state.rawValue] + figures.map { $0 ?? "-" }
    }
    return TextTable(head, rows).text
  }

  /// The verdict, with the exit status where that says more.
  private static func verdict(of guest: GuestSummary) -> String? {
    guard let verdict = guest.verdict, verdict == Verdict.debugExit(0).name, let status = guest.exitStatus else {
      return guest.verdict
    }
    return "\(verdict) (\(status))"
  }
}
