import ArgumentParser
import Glibc
import Host
import Machine

/// `rowhouse top`: the guests that run and what they use, again and again.
struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Shows what each guest uses now, on the whole screen, until q.",
    discussion: """
      Of a guest that is silent, as its VMM is stopped or has no CPU, nobody knows what it uses of CPU and memory.
      Keys: c, m, d, n and a sort by CPU, memory, disk, network and name; q ends.
      Where standard output is no terminal it prints the same lines again and again.
      """)

  @Flag(help: "Show it once.")
  var once = false

  @Option(parsing: .unconditional, help: ArgumentHelp("Between two looks (default: 1).", valueName: "seconds"))
  var interval: String?

  @Option(parsing: .unconditional, help: "cpu, memory, disk, network or name (default: cpu).")
  var sort: String?

  func run() throws {
    let nanoseconds = try interval.map { text throws(ConfigurationError) in
      try Configuration.parseSeconds(text, option: "--interval")
    } ?? 1_000_000_000
    guard nanoseconds >= 100_000_000 else {
      throw ConfigurationError("--interval \(interval ?? "")", "it is 0.1 at least")
    }
    guard let order = sort.map({ word in TopView.Order.allCases.first { $0.word == word } }) ?? .cpu else {
      throw ConfigurationError("--sort \(sort ?? "")", "it is cpu, memory, disk, network or name")
    }
    let street = try Street()
    // What can be read at first is taken for empty when it cannot be any more.
    _ = try street.names()
    let top = Top(street, order)
    if once {
      top.look()
      usleep(250_000)
      top.look()
      print(top.view.lines().joined(separator: "\n"))
    } else if isatty(STDOUT_FILENO) == 1, isatty(STDIN_FILENO) == 1 {
      do throws(SystemCallError) { try TopSession(top, every: nanoseconds).run() } catch { throw HostError(error) }
    } else {
      while true {
        top.look()
        print(top.view.lines().joined(separator: "\n"))
        try StandardOutput.flush()
        let next = Instant.now.advanced(byNanoseconds: nanoseconds)
        // usleep(3) takes 71 minutes at most.
        while .now < next { usleep(UInt32(clamping: next.nanoseconds(since: .now) / 1000)) }
      }
    }
  }
}

/// The guests that are looked at, and what they did since the first look.
final class Top {
  private let street: Street
  private let limits = HostLimits()
  var order: TopView.Order
  private var histories: [GuestName: (run: String, history: GuestHistory)] = [:]
  private var guests: [TopView.Guest] = []

  init(_ street: Street, _ order: TopView.Order) {
    self.street = street
    self.order = order
  }

  /// Looks at all guests that run; settles the books of the others.
  func look() {
    guests = []
    var kept: [GuestName: (run: String, history: GuestHistory)] = [:]
    let folders = (try? street.guests()) ?? []
    for (folder, look) in zip(folders, folders.freshLooks()) {
      guard let look, let meter = look.meter else { continue }
      guard look.isAlive else {
        folder.settleIfPossible(look)
        continue
      }
      var history = histories[folder.name].flatMap { $0.run == meter.run ? $0.history : nil } ?? GuestHistory()
      history.look(meter, isSilent: look.isSilent)
      kept[folder.name] = (meter.run, history)
      guests.append(
        TopView.Guest(
          name: folder.name.description, state: look.state, cpus: meter.cpus.count, memoryBytes: meter.memoryBytes,
          history: history))
    }
    histories = kept
  }

  var view: TopView {
    TopView(guests: guests, order: order, limits: limits)
  }
}
