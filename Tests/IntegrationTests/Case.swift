import Testing

/// One use of `rowhouse` with what must come of it: a plain value, so that a group of them reads as a table.
///
/// A case is a shell script in a folder of its own. So the same case runs on this host and inside the lab.
struct Case: Sendable {
  /// What is shown; also the name of the case's folder, so every case of a table has another.
  let name: String
  /// Runs in the case's folder, by `sh`; see ``CaseScript`` for what it can call.
  let script: String
  /// Files that lie in the folder when the script starts. `input` is the script's standard input.
  var files: [String: [UInt8]] = [:]
  /// The script's exit status.
  let status: Int32
  /// Texts that standard output must have, in this order.
  var says: [String] = []
  /// Texts that neither output may have.
  var neverSays: [String] = ["FAILED:"]
  /// Texts that standard error must have, in any order.
  var warns: [String] = []
  /// How many lines standard error has; nil: any number.
  var warningLines: Int?
  /// The word for the verdict in the verdict file; nil: the script writes none.
  var verdict: String?
  /// Whether it needs a KVM that runs stock kernels.
  var bootsLinux = false
  /// What else must be true.
  var check: @Sendable (Outcome) -> Void = { _ in }

  /// A script that has no shorter way to be written down.
  init(
    _ name: String, script: String, files: [String: [UInt8]] = [:], status: Int32 = 0, says: [String] = [],
    neverSays: [String] = ["FAILED:"], warns: [String] = [], warningLines: Int? = nil, verdict: String? = nil,
    check: @escaping @Sendable (Outcome) -> Void = { _ in }
  ) {
    self.name = name
    self.script = script
    self.files = files
    self.status = status
    self.says = says
    self.neverSays = neverSays
    self.warns = warns
    self.warningLines = warningLines
    self.verdict = verdict
    self.check = check
  }

  /// `rowhouse run GUEST OPTIONS -- WORDS`, with a verdict file and a limit of its own for a guest that goes astray.
  ///
  /// - Parameters:
  ///   - guest: a file of `guests/build`.
  ///   - options: as a shell would be given them.
  ///   - words: the guest's command line, in shell words.
  init(
    _ name: String, guest: String, _ options: String = "", words: String = "", files: [String: [UInt8]] = [:],
    status: Int32 = 0, says: [String] = [], warns: [String] = [], verdict: String,
    check: @escaping @Sendable (Outcome) -> Void = { _ in }
  ) {
    let limit = options.contains("--timeout") ? "" : " --timeout 30"
    self.init(
      name, script: "rowhouse run $GUESTS/\(guest) --verdict verdict\(limit) \(options) -- \(words)", files: files,
      status: status, says: says, warns: warns, verdict: verdict, check: check)
  }

  /// A command that must be refused: status 2, one line on standard error with the reason, nothing on standard output.
  ///
  /// - Parameters:
  ///   - command: a shell command line.
  ///   - naming: the file or option that the line must name.
  init(refused name: String, _ command: String, files: [String: [UInt8]] = [:], naming: String, _ reason: String = "") {
    self.init(
      name, script: command, files: files, status: 2, warns: [naming, reason].filter { !$0.isEmpty }, warningLines: 1,
      check: { outcome in outcome.expectNoOutput() })
  }
}

extension Case: CustomTestStringConvertible {
  var testDescription: String { name }
}
