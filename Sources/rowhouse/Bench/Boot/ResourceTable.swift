/// What each contestant's processes took of the computer: medians of CPU time, page faults and memory.
struct ResourceTable {
  private let results: BootResults

  init(_ results: BootResults) { self.results = results }

  var text: String {
    var columns = [
      Column("CPU TIME") { Self.time($0, \.cpuNanoseconds) },
      Column("USER") { Self.dividedTime($0, \.userNanoseconds) },
      Column("OF IT GUEST") { Self.dividedTime($0, \.guestNanoseconds) },
      Column("SYSTEM") { Self.dividedTime($0, \.systemNanoseconds) },
      Column("FAULTS") { $0.sample(\.pageFaults)?.median.fixed(0) },
      Column("LARGEST PROCESS") { $0.sample(\.peakResidentBytes).map { ($0.median / 1_048_576).fixed(1) + " MiB" } },
    ]
    // Files of before it was kept have none.
    if results.contestants.contains(where: { $0.sample(\.vcpuNanoseconds) != nil }) {
      columns.insert(Column("VCPUS' THREADS") { Self.time($0, \.vcpuNanoseconds) }, at: 4)
      columns.insert(Column("OTHER THREADS") { Self.time($0, \.deviceNanoseconds) }, at: 5)
    }
    let rows = results.contestants.map { contestant in
      [contestant.name] + columns.map { $0.figure(contestant) ?? "-" }
    }
    return "Medians of CPU time, page faults and memory:\n" + TextTable([""] + columns.map(\.head), rows).text
      + """
      The kernel divides CPU time by its clock's ticks: of less than \(GuestTime.leastNanoseconds / 1_000_000) ms \
      nothing is said. Guest code that KVM emulates is in SYSTEM.

      """
  }

  private struct Column {
    let head: String
    /// Nil: it is not known of every run, and of some runs it would be another median.
    let figure: (BootResults.Contestant) -> String?

    init(_ head: String, _ figure: @escaping (BootResults.Contestant) -> String?) {
      self.head = head
      self.figure = figure
    }
  }

  private static func time(_ contestant: BootResults.Contestant, _ figure: (BootRun) -> UInt64?) -> String? {
    contestant.sample(figure)?.median.milliseconds
  }

  /// A part of the CPU time, where there are ticks enough to tell it by.
  private static func dividedTime(_ contestant: BootResults.Contestant, _ figure: (BootRun) -> UInt64?) -> String? {
    let least = Double(GuestTime.leastNanoseconds)
    guard let all = contestant.sample(\.cpuNanoseconds), all.median >= least,
      let part = contestant.sample(figure), part.median >= least
    else { return nil }
    return part.median.milliseconds
  }
}
