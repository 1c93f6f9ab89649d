import Control
import Host
import Machine

/// What a guest was started with.
extension GuestFolder {
  /// The VMM's arguments; nil when nothing says them.
  ///
  /// - Parameter process: the VMM's, nil when it has gone. One that was started by hand has left them nowhere but in
  ///   /proc.
  func arguments(of process: Int32?) -> [String]? {
    Self.words(in: path(of: .arguments))
      ?? process.flatMap { Self.words(in: "/proc/\($0)/cmdline").map { Array($0.dropFirst()) } }
  }

  /// How the guest was configured; nil when nothing says it.
  var start: Configuration? {
    arguments(of: (try? look())?.meter?.process).flatMap { try? Configuration(arguments: $0) }
  }

  /// Words that each end with a zero, as a file has them.
  private static func words(in path: String) -> [String]? {
    guard let file = try? Descriptor.open(path, .readOnly) else { return nil }
    var bytes: [UInt8] = []
    while let more = try? file.read(atMost: 4096), !more.isEmpty { bytes += more }
    let words = bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    return Array(words.dropLast())
  }
}
