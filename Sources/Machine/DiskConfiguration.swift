import DiskImage

/// A disk of the guest, as a person names it: "PATH[,readonly][,serial=ID][,format=raw|qcow2]".
package struct DiskConfiguration: Equatable, Sendable {
  package var path: String
  package var isReadOnly = false
  /// The name that the guest sees, ASCII, at most 20 bytes; nil: none.
  package var serial: String?
  /// Nil: found by looking at the file.
  package var format: ImageFormat?

  package init(path: String) { self.path = path }

  /// What is no option belongs to the path, commas too.
  package init(argument: String) throws(ConfigurationError) {
    let option = "--disk \(argument)"
    var words = argument.split(separator: ",", omittingEmptySubsequences: false)
    path = ""
    while words.count > 1, let word = words.last {
      if word == "readonly" {
        isReadOnly = true
      } else if word.hasPrefix("serial=") {
        let name = word.dropFirst(7)
        guard !name.isEmpty, name.utf8.count <= 20, name.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
          throw ConfigurationError(option, "a serial has 1 to 20 letters, digits or signs")
        }
        serial = String(name)
      } else if word.hasPrefix("format=") {
        guard let format = ImageFormat(rawValue: String(word.dropFirst(7))) else {
          throw ConfigurationError(option, "the formats are raw and qcow2")
        }
        self.format = format
      } else {
        break
      }
      words.removeLast()
    }
    path = words.joined(separator: ",")
    guard !path.isEmpty else { throw ConfigurationError(option, "a disk image's path is needed") }
  }
}

extension DiskConfiguration: CustomStringConvertible {
  /// What ``init(argument:)`` reads.
  package var description: String {
    path + (isReadOnly ? ",readonly" : "") + (serial.map { ",serial=" + $0 } ?? "")
      + (format.map { ",format=" + $0.rawValue } ?? "")
  }
}
