import ArgumentParser
import Control
import FoundationEssentials
import Host
import Machine
import Metering

/// `rowhouse show`: all about one guest.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows all about one guest: how it is, where its folder is, and what it was started with.",
    discussion: """
      A guest with --balloon is asked what its own kernel says of its memory, and has a second to answer. What it has \
      used is in `rowhouse meter`. A VMM that stands still makes its guest silent.
      """)

  @OptionGroup var guest: OneGuest

  @Flag(help: "Say it as JSON.")
  var json = false

  func run() throws {
    let details = try GuestDetails(guest.guest())
    print(json ? details.json : details.text, terminator: "")
  }
}

/// What there is to say of one guest.
struct GuestDetails: JSONDocument {
  struct Balloon: Encodable {
    let targetBytes: UInt64
    let actualBytes: UInt64

    init(_ balloon: GuestStatus.Balloon) { (targetBytes, actualBytes) = (balloon.target, balloon.actual) }

    init(_ meter: MeterReading) {
      (targetBytes, actualBytes) = (
        meter.balloonTargetBytes, meter.memoryBytes - min(meter.memoryGivenBytes, meter.memoryBytes)
      )
    }
  }

  let guest: GuestSummary
  let folder: String
  /// Where the console's end on the host is: the path or address of what was made for it, or else what `--console` has.
  let console: String?
  let balloon: Balloon?
  /// What its kernel says of its memory; nil when it says nothing.
  let guestMemory: GuestMemory?
  /// What the VMM was started with.
  let arguments: [String]

  init(_ folder: GuestFolder) throws(HostError) {
    var look = try folder.lookOrExplain()
    let process = look.isAlive ? look.meter?.process : nil
    self.folder = folder.path
    arguments = folder.arguments(of: process) ?? []
    // As they are now, or else as the guest's last sample and its options have them.
    let start = arguments.isEmpty ? nil : try? Configuration(arguments: arguments)
    var console = start?.console.description
    var balloon = start?.balloonBytes == nil ? nil : look.meter.map(Balloon.init)
    var memory: GuestMemory?
    if process != nil {
      let deadline = Instant.now.advanced(byNanoseconds: ControlClient.patience)
      do throws(ControlClient.Failure) {
        var client = try ControlClient(folder)
        if case .status(let answer) = try client.ask(.status, until: deadline) {
          balloon = answer.balloon.map(Balloon.init)
        }
        if case .consolePlace(let answer) = try client.ask(.consolePlace, until: deadline) { console = answer }
        let limit = Instant.now.advanced(byNanoseconds: Self.guestPatience)
        if look.state == .running, balloon != nil,
          case .memory(let report)? = try? client.ask(.memory, until: limit)
        {
          memory = GuestMemory(report)
        }
      } catch {
        if error.isNoAnswer { look.isSilent = true }
      }
    }
    guest = GuestSummary(folder, look)
    self.console = console
    self.balloon = balloon
    guestMemory = memory
  }

  /// How long a guest's kernel may take to answer, in nanoseconds: it may be busy, or not answer at all.
  private static let guestPatience: UInt64 = 1_000_000_000

  /// A line for each.
  var text: String {
    let lines: [(String, String?)] = [
      ("name", guest.name), ("state", guest.state.rawValue), ("verdict", guest.verdict),
      ("exit status", guest.exitStatus.map(String.init)), ("process", guest.process.map(String.init)),
      ("uptime", guest.uptimeNanoseconds.map(HumanQuantity.duration)), ("CPUs", guest.cpus.map(String.init)),
      ("CPU share", guest.cpuPercent.map { "\($0)%" }), ("memory", guest.memoryBytes.map(ByteSize.format)),
      ("resident", guest.residentBytes.map(HumanQuantity.bytes)),
      ("balloon", balloon.map { "\(ByteSize.format($0.actualBytes)) of \(ByteSize.format($0.targetBytes))" }),
      ("guest says", guestMemory?.text),
      ("console", console),
      ("viewers", guest.viewers.map(String.init)),
      ("folder", folder),
      ("arguments", arguments.isEmpty ? nil : ShellWord.line(arguments)),
    ]
    return lines.compactMap { name, value in
      value.map { "\(name):\(String(repeating: " ", count: 13 - name.count))\($0)\n" }
    }.joined()
  }
}
