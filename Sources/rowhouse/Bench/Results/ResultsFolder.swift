import FoundationEssentials
import Glibc
import Host
import Machine

/// The folder of `--output`: results.json, and what the report script makes of it.
struct ResultsFolder {
  private let path: String
  /// What the report script writes.
  private static let reports = ["report.html", "report.svg", "report.png"]

  /// Finds out whether it can be written, before anything is measured; there is nothing of it yet.
  init(_ path: String) throws(ConfigurationError) {
    self.path = path
    do throws(SystemCallError) {
      let isNew = try Self.make(path)
      defer { if isNew { Folder.removeIfEmpty(path) } }
      _ = try FileReplacement(of: "\(path)/results.json")
    } catch {
      throw ConfigurationError("--output \(path)", "it cannot be written: \(error.errno)")
    }
  }

  /// - Returns: whether it was missing.
  private static func make(_ path: String) throws(SystemCallError) -> Bool {
    do throws(SystemCallError) { try Folder.make(path) } catch where error.errno == .exists { return false }
    return true
  }

  func write(_ document: some JSONDocument) throws(HostError) {
    try host { () throws(SystemCallError) in
      _ = try Self.make(path)
      let results = try FileReplacement(of: "\(path)/results.json")
      // A report is of the results beside it, or there is none.
      for name in Self.reports { Folder.removeFile("\(path)/\(name)") }
      try results.write(document.json)
    }
    try Self.report(path)
  }

  /// Has the report drawn. Its script is beside this program, as installed or as in the repository.
  private static func report(_ path: String) throws(HostError) {
    let folder = InstalledProgram.ownFolder ?? "."
    let places = ["\(folder)/../share/rowhouse/bench-report", "\(folder)/../Tests/Benchmarks/bench-report"]
    // SAFETY: the call only reads the text.
    guard let script = places.first(where: { unsafe access($0, X_OK) == 0 }) else {
      return StandardError.say("there is results.json in \(path) and no report: bench-report is not installed")
    }
    let end = try host { () throws(SystemCallError) in
      try InstalledProgram(path: script).output(["\(path)/results.json"]).end
    }
    if end != .exited(status: 0) {
      throw HostError("there is results.json in \(path), but no report: \(script) failed, and says why above")
    }
  }
}

/// Reads what ``ResultsFolder`` has written.
enum ResultsFile {
  case boot(BootResults)
  case density(DensityResults)

  static func read(_ path: String) throws(ConfigurationError) -> ResultsFile {
    let bytes: [UInt8]
    do throws(SystemCallError) {
      let file = try Descriptor.open(path, .readOnly)
      bytes = try file.read(count: Int(clamping: min(1 << 26, try file.status().size)), at: 0)
    } catch {
      throw ConfigurationError(path, "it cannot be read: \(error.errno)")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let data = Data(bytes)
    if let results = try? decoder.decode(BootResults.self, from: data), results.kind == BootResults.kind,
      !results.contestants.isEmpty, results.contestants.allSatisfy({ !$0.runs.isEmpty })
    {
      return .boot(results)
    }
    if let results = try? decoder.decode(DensityResults.self, from: data), results.kind == DensityResults.kind {
      return .density(results)
    }
    throw ConfigurationError(path, "not the results.json of `rowhouse bench boot` or `density`")
  }
}
