/// Who does not take part.
struct MissingContestant: Codable {
  let name: String
  let reason: String
  /// Whether it was never meant to start such a kernel; nil: no.
  var isRefused: Bool?
}

extension [MissingContestant] {
  /// Why nobody is left to measure.
  var nothingToMeasure: HostError {
    HostError("there is nothing to measure: \(map { "\($0.name): \($0.reason)" }.joined(separator: "; "))")
  }

  /// Whether rowhouse was to take part and did not.
  var lackRowhouse: Bool {
    contains { $0.isRefused != true && $0.name.hasPrefix(BenchedVMM.rowhouse.rawValue) }
  }
}
