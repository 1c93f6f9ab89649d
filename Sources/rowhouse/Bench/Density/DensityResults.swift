/// results.json of `rowhouse bench density`.
struct DensityResults: JSONDocument, Decodable {
  /// Figures with a number of guests of a VMM.
  struct Point: Codable {
    let guests: Int
    /// What the starts took together, each from its VMM's start to its guest's first console byte: without the looks
    /// at memory between them, and the waiting before those.
    let startNanoseconds: UInt64
    let guestsPerSecond: Double
    /// Of each guest's VMM, the mean; see ``ResidentMemory``.
    let residentBytesPerGuest: UInt64
    let overheadBytesPerGuest: UInt64
  }

  struct Contestant: Codable {
    let name: String
    let version: String
    let command: String
    let points: [Point]
  }

  let kind: String
  let occasion: Occasion
  let host: HostDescription
  let kernel: FileDescription
  /// Nil: there was none, or it was not written down yet; so below.
  var initrd: FileDescription?
  var commandLine: String?
  /// See ``BootResults/Guest/options``.
  var options: [String]?
  let cpus: Int
  let memoryBytes: UInt64
  let contestants: [Contestant]
  let missing: [MissingContestant]

  static let kind = "density"

  var table: String {
    let rows = contestants.flatMap { contestant in
      contestant.points.map { point in
        [
          contestant.name, String(point.guests), point.guestsPerSecond.fixed(1),
          (Double(point.residentBytesPerGuest) / 1_048_576).fixed(2) + " MiB",
          (Double(point.overheadBytesPerGuest) / 1_048_576).fixed(2) + " MiB",
        ]
      }
    }
    let head = ["", "GUESTS", "STARTED A SECOND", "RESIDENT EACH", "OF THAT OVERHEAD"]
    return TextTable(head, rows).text + missing.map { "\($0.name) is missing: \($0.reason)\n" }.joined()
  }
}
