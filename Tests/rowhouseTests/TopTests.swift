import Foundation
import Host
import Metering
import TerminalModel
import Testing

@testable import rowhouse

@Suite("rowhouse top")
struct TopTests {
  private static func limits(cpus: Int) -> HostLimits {
    HostLimits(cpuCount: cpus, of: cpus, cpuGroup: nil, memoryBytes: 8 << 30, memoryGroup: nil)
  }

  /// A guest whose CPU, disk and network go up from look to look.
  private func guest(_ name: String, weight: UInt64) throws -> TopView.Guest {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1, diskCount: 1, networkCount: 1),
      memoryBytes: 256 << 20, process: 1)
    page.set(.running)
    page.reached(.guestStarted, at: Instant(nanoseconds: 1_000_000_000))
    var history = GuestHistory()
    var cpuTime: UInt64 = 0
    for second in 1...8 as ClosedRange<UInt64> {
      cpuTime += second * weight * 10_000_000
      page.cpu(0).raiseTimeRun(to: cpuTime)
      page.disk(0).count(.fromGuest, bytes: second * weight * 100_000, latency: 1)
      page.network(0).count(.toGuest, bytes: Int(second * weight) * 1000)
      let now = Instant(nanoseconds: 1_000_000_000 * (1 + second))
      page.setSample(
        at: now, deviceNanoseconds: 0, resident: weight << 24, residentPeak: 0, residentKibibyteSeconds: 0)
      history.look(try #require(try MeterReading(of: file.descriptor)), at: now)
    }
    return TopView.Guest(name: name, state: .running, cpus: 1, memoryBytes: 256 << 20, history: history)
  }

  private func view(_ order: TopView.Order = .cpu) throws -> TopView {
    TopView(
      guests: [try guest("web", weight: 3), try guest("db-with-a-long-name", weight: 9), try guest("mail", weight: 1)],
      order: order, limits: Self.limits(cpus: 2))
  }

  @Test func narrowScreen() throws {
    #expect(try view().lines(columns: 80, rows: 24) == [
      "3 guests  cpu 104.0% of 200%  memory 208 MiB of 8.00 GiB  by cpu",
      "NAME        STATE       CPU        MEMORY        DISK/s         NET/s      WAITS",
      "db-with-a-… running   72.0% ▄▅▆▆  144 MiB ▅▅▅▅ 6.87 MiB ▆▇██ 70.3 KiB ▆▇██    0%",
      "web         running   24.0% ▂▂▂▂ 48.0 MiB ▂▂▂▂ 2.29 MiB ▆▇██ 23.4 KiB ▆▇██    0%",
      "mail        running    8.0% ▁▁▁▁ 16.0 MiB ▁▁▁▁  781 KiB ▆▇██ 7.81 KiB ▆▇██    0%",
    ])
  }

  @Test func noScreen() throws {
    let lines = try view().lines()
    #expect(lines[1] == "NAME             STATE       CPU   MEMORY   DISK/s    NET/s WAITS")
    #expect(lines[2] == "db-with-a-long-… running   72.0%  144 MiB 6.87 MiB 70.3 KiB    0%")
  }

  /// Names get what sparklines leave, and the other way round.
  @Test(arguments: [
    (60, 11, 0), (79, 16, 0), (80, 11, 4), (84, 15, 4), (85, 16, 4), (89, 16, 5), (200, 16, 32), (400, 16, 60),
  ])
  func widths(columns: Int, name: Int, spark: Int) throws {
    let lines = try view().lines(columns: columns, rows: 24)
    #expect(lines[1].prefix { $0 != "S" }.count == name + 1)
    let sparks = lines[2].split(separator: /[^▁▂▃▄▅▆▇█]+/)
    #expect(sparks.map(\.count) == (spark == 0 ? [] : Array(repeating: min(spark, 8), count: 4)), "\(lines[2])")
    #expect(lines.dropFirst().allSatisfy { $0.count == lines[1].count && $0.count <= columns })
  }

  @Test func wideScreen() throws {
    #expect(try view().lines(columns: 120, rows: 24)[2].contains(" 6.87 MiB     ▂▃▄▅▆▇██ 70.3 KiB "))
  }

  @Test func manyCPUsStayInTheirColumn() throws {
    var guests = [try guest("big", weight: 900)]
    guests.append(try guest("small", weight: 1))
    let lines = TopView(guests: guests, order: .cpu, limits: Self.limits(cpus: 128)).lines(columns: 80)
    #expect(lines[2].contains("running   7200% ") && lines[3].contains("running    8.0% "), "\(lines)")
  }

  @Test("A guest that was not sampled keeps its CPU share, and its bytes count over the time in which they came")
  func aGuestThatDoesNotSample() throws {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1, diskCount: 1),
      memoryBytes: 256 << 20, process: 1)
    page.set(.running)
    page.reached(.guestStarted, at: Instant(nanoseconds: 1_000_000_000))
    page.disk(0).count(.fromGuest, bytes: 1 << 20, latency: 1)
    page.cpu(0).raiseTimeRun(to: 250_000_000)
    var history = GuestHistory()
    // Never sampled, and looked at in the moment of its start.
    history.look(try #require(try MeterReading(of: file.descriptor)), at: Instant(nanoseconds: 1_000_000_000))
    #expect(history.now(.disk) == 0 && history.now(.cpu) == 0)
    page.setSample(
      at: Instant(nanoseconds: 2_000_000_000), deviceNanoseconds: 0, resident: 1, residentPeak: 1,
      residentKibibyteSeconds: 0)
    for second in 2...5 as ClosedRange<UInt64> {
      page.disk(0).count(.fromGuest, bytes: 1 << 20, latency: 1)
      history.look(
        try #require(try MeterReading(of: file.descriptor)), at: Instant(nanoseconds: second * 1_000_000_000))
    }
    #expect(history[.disk] == [0] + [Double](repeating: 1_048_576, count: 4))
    #expect(history[.cpu] == [0, 0, 0, 0, 0], "the quarter second was used before the first look")
  }

  @Test("Of a guest whose VMM does not answer nobody knows what it uses, and it counts again from when it does")
  func aSilentGuest() throws {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 1), memoryBytes: 256 << 20, process: 1)
    page.set(.running)
    page.reached(.guestStarted, at: Instant(nanoseconds: 1_000_000_000))
    var history = GuestHistory()
    func look(at second: UInt64, cpuTime: UInt64? = nil) throws {
      let now = Instant(nanoseconds: second * 1_000_000_000)
      if let cpuTime {
        page.cpu(0).raiseTimeRun(to: cpuTime)
        page.setSample(
          at: now, deviceNanoseconds: 0, resident: 1 << 20, residentPeak: 1, residentKibibyteSeconds: 1)
      }
      history.look(try #require(try MeterReading(of: file.descriptor)), isSilent: cpuTime == nil, at: now)
    }
    func line(_ state: GuestFolder.State) -> String {
      let guest = TopView.Guest(name: "one", state: state, cpus: 1, memoryBytes: 256 << 20, history: history)
      return TopView(guests: [guest], order: .cpu, limits: Self.limits(cpus: 2)).lines()[2]
    }
    try look(at: 3, cpuTime: 1_000_000_000)
    #expect(line(.running) == "one              running   50.0% 1.00 MiB      0 B      0 B    0%")
    try look(at: 4)
    try look(at: 5)
    #expect(line(.silent) == "one              silent        -        -      0 B      0 B     -")
    try look(at: 7, cpuTime: 2_000_000_000)
    #expect(history[.cpu] == [0.5, 0, 0, 0.25])
  }

  @Test(arguments: [(TopView.Order.name, "db"), (.memory, "db"), (.network, "db"), (.disk, "db")])
  func orders(order: TopView.Order, first: String) throws {
    let lines = try view(order).lines(columns: 80, rows: 24)
    #expect(lines[2].hasPrefix(first) && lines[0].hasSuffix("by \(order.word)"))
    if order == .name { #expect(lines[3].hasPrefix("mail")) }
  }

  @Test func aLowScreenSaysWhatItHides() throws {
    let lines = try view().lines(columns: 80, rows: 4)
    #expect(lines.count == 4 && lines[3] == "… 2 more guests")
  }

  @Test func sparklines() {
    #expect(Sparkline([0, 0.5, 1, 2], most: 1, width: 6).text == "  ▁▅██")
    #expect(Sparkline([1, 2, 3], most: 0, width: 2).text == "▁▁")
  }

  @Test("Only what has changed is written")
  func updates() {
    #expect(TopScreen.update(from: ["a", "b", "c"], to: ["a", "x"]) == "\u{1b}[2;1Hx\u{1b}[3;1H\u{1b}[K")
    #expect(TopScreen.update(from: ["a"], to: ["a"]) == "")
    #expect(TopScreen.update(from: ["one 1% of 2"], to: ["one 3%"]) == "\u{1b}[1;5H3\u{1b}[1;7H\u{1b}[K")
    // Eight cells that stay are passed over, seven are not.
    #expect(TopScreen.update(from: ["a12345678a"], to: ["b12345678b"]) == "\u{1b}[1;1Hb\u{1b}[1;10Hb")
    #expect(TopScreen.update(from: ["a1234567a"], to: ["b1234567b"]) == "\u{1b}[1;1Hb1234567b")
  }

  @Test("Whatever the lines were, the terminal shows the new ones, and never for more bytes than they have")
  func updatesOfAnyLines() {
    var random = SystemRandomNumberGenerator()
    func lines() -> [String] {
      (0..<Int.random(in: 0...6, using: &random)).map { _ in
        String((0..<Int.random(in: 0...20, using: &random)).map { _ in "ab▁█….".randomElement(using: &random)! })
      }
    }
    var terminal = TerminalModel(rows: 6, columns: 20)
    var shown: [String] = []
    for _ in 0..<500 {
      // Sometimes another picture, mostly the same but for a few characters.
      var next = Bool.random(using: &random) ? lines() : shown
      for row in next.indices where !next[row].isEmpty {
        var line = Array(next[row])
        line[Int.random(in: line.indices, using: &random)] = "z"
        next[row] = String(line)
      }
      terminal.take(TopScreen.update(from: shown, to: next).utf8)
      #expect(terminal.lines == next + Array(repeating: "", count: 6 - next.count))
      #expect(terminal.faults.isEmpty)
      shown = next
    }
  }

  @Test("Keys and the terminal's answers are told apart, however they are cut")
  func input() {
    func events(_ text: String) -> [TerminalInput.Event] {
      var input = TerminalInput()
      return text.utf8.compactMap { input.take($0) }
    }
    #expect(events("cn\u{1b}[0nq") == [.key("c"), .key("n"), .status, .key("q")])
    // Arrows, F1, Delete, a report of a fault, and Alt-d.
    #expect(events("\u{1b}[A\u{1b}OP\u{1b}[3~\u{1b}[3n\u{1b}[1;5Cm\u{1b}d") == [.key("m"), .key("d")])
    #expect(events("\u{1b}[" + String(repeating: "0", count: 99) + "n\u{1b}\u{1b}[0n") == [.status])
  }
}

@Suite("Figures for people")
struct HumanQuantityTests {
  @Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1000, "0.98 KiB"), (1024, "1.00 KiB"), (12_595, "12.3 KiB"), (1_023_487, "999 KiB"),
    (1_023_999, "0.98 MiB"),
    (1_048_576, "1.00 MiB"), (5 << 30, "5.00 GiB"), (UInt64.max, "16.0 EiB"),
  ] as [(UInt64, String)])
  func bytes(count: UInt64, text: String) { #expect(HumanQuantity.bytes(count) == text) }

  @Test(arguments: [
    (0, "0 ns"), (1500, "1.50 µs"), (999_600, "1.00 ms"), (12_340_000, "12.3 ms"), (61_000_000_000, "61.0 s"),
    (999_400_000_000, "999 s"), (999_500_000_000, "16m40s"), (1_000_000_000_000, "16m40s"),
    (442_800_000_000_000, "5d03h"), (UInt64.max, "213503d23h"),
  ] as [(UInt64, String)])
  func times(nanoseconds: UInt64, text: String) { #expect(HumanQuantity.seconds(nanoseconds) == text) }
}
