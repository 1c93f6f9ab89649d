/// What tells that the guest's first program runs, in the order in which it comes. The raw values are the words in
/// results.json.
///
/// They are different events: from one to the next the kernel executes the program, and a shell starts. So times to one
/// are compared only with times to the same.
enum InitSource: String, CaseIterable, Codable {
  /// What the kernel says before it executes the program (``InitLine``).
  case line
  /// The program's mark at port 0x80.
  case postCode = "post_code"
  /// Its mark at the boot timer.
  case mark

  /// In the words of tables.
  var name: String {
    switch self {
    case .line: "the console's line"
    case .postCode: "the mark at port 0x80"
    case .mark: "the boot timer's mark"
    }
  }

  /// By which of them each contestant's `init` is told: by one that all have in every run, where there is one. A
  /// contestant that none tells of in every run has no `init`, and is in nobody's way.
  ///
  /// - Parameter contestants: the runs of each.
  /// - Returns: one of each, in the same order.
  static func choose(for contestants: [[BootRun]]) -> [InitSource?] {
    let told = contestants.map { runs in
      allCases.filter { source in !runs.isEmpty && runs.allSatisfy { $0[initBy: source] != nil } }
    }
    // Who asked for marks at the port wants them. Then the line: all VMMs can show it, so that a measurement of one is
    // like that of several.
    let preferred: [InitSource] = [.postCode, .line, .mark]
    let common = preferred.first { source in told.allSatisfy { $0.isEmpty || $0.contains(source) } }
    return told.map { sources in sources.first { $0 == common } ?? sources.last }
  }
}
