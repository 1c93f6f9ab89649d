import ArgumentParser
import FoundationEssentials
import Host
import Machine

/// `rowhouse bill`: what guests have used, from the ledger.
struct BillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bill",
    abstract: "Sums what guests that have ended used: CPU time, memory over time, bytes moved.",
    discussion: """
      It is made from $XDG_STATE_HOME/rowhouse/ledger.jsonl, with a line for every guest that has ended. Lines that are \
      no records, as a power failure may leave them, are not in the bill; standard error says which.

      A guest counts as a whole where it ends: all that it used is on the day of its end, and guests that still run are \
      not in the bill. What those have used so far is in `rowhouse meter`.

      The exit status:
        0    all lines of the ledger were read
        1    some could not be read, and the bill is made of the others; or none could
        2    wrong arguments
      """)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Only guests that ended since: 2026-11-24, or 12h, 7d (hours or days ago).", valueName: "time"))
  var since: String?

  @Option(parsing: .unconditional, help: "A line for each name or each day (UTC; default: name).")
  var by: String?

  @Option(parsing: .unconditional, help: "table, csv or json (default: table).")
  var format: String?

  func run() throws {
    let grouping = try Self.choice(by, Bill.Grouping.name, option: "--by")
    let format = try Self.choice(format, Bill.Format.table, option: "--format")
    let start = try since.map { try Self.moment($0, now: Date()) }
    for guest in try Street().guests() { guest.settleIfPossible() }
    Remains.settle()
    guard let ledger = Ledger() else { throw HostError("neither XDG_STATE_HOME nor HOME says where the ledger is") }
    var content: Ledger.Content
    do throws(SystemCallError) { content = try ledger.content() } catch {
      throw HostError("\(ledger.path): it cannot be read: \(error.errno)")
    }
    // Texts of this form are ordered as their moments are.
    if let start { content.records.removeAll { $0.ended < start } }
    print(Bill(content.records, by: grouping).text(format), terminator: "")
    if let warning = Self.warning(content.otherLines) {
      StandardError.say("\(ledger.path): \(warning)")
      throw ExitCode(1)
    }
  }

  /// What a person has to know of lines that are not in the bill; nil when there are none.
  static func warning(_ lines: [Int]) -> String? {
    guard !lines.isEmpty else { return nil }
    let shown = lines.prefix(8).map(String.init).joined(separator: ", ")
    let rest = lines.count > 8 ? ", …" : ""
    return lines.count == 1
      ? "line \(shown) is no record, and not in the bill; look at it, and take it out"
      : "\(lines.count) lines are no records, and not in the bill: \(shown)\(rest); look at them, and take them out"
  }

  private static func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ text: String?, _ usual: Choice, option: String
  ) throws(ConfigurationError) -> Choice {
    guard let text else { return usual }
    guard let choice = Choice(rawValue: text) else {
      let choices = Choice.allCases.map(\.rawValue).joined(separator: " or ")
      throw ConfigurationError("\(option) \(text)", "it is \(choices)")
    }
    return choice
  }

  /// The moment that a person means, in the ledger's form.
  static func moment(_ text: String, now: Date) throws(ConfigurationError) -> String {
    let units: [Character: Double] = ["h": 3600, "d": 86400]
    if let unit = text.last.flatMap({ units[$0] }), let count = UInt32(text.dropLast()) {
      return max(now - Double(count) * unit, Date(timeIntervalSince1970: 0)).formatted(.iso8601)
    }
    let whole = text.count == 10 ? text + "T00:00:00Z" : text
    guard let date = try? Date(whole, strategy: .iso8601) else {
      throw ConfigurationError("--since \(text)", "give a day like 2026-11-24, 2026-11-24T12:00:00Z, 12h or 7d")
    }
    return date.formatted(.iso8601)
  }
}
