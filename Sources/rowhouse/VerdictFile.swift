import Host
import Machine

/// The file of `--verdict`, which gets a run's record as JSON.
struct VerdictFile {
  private enum Target {
    case file(FileReplacement)
    /// A pipe, a terminal or the like has no content to replace.
    case stream(SharedDescriptor)
  }

  private let name: String
  private let target: Target

  /// Finds out now, before the guest runs, whether the file can be written in the end. Leaves nothing behind.
  init(_ name: String) throws(ConfigurationError) {
    self.name = name
    do throws(SystemCallError) {
      target =
        switch try Self.kind(of: name) {
        case .directory: throw SystemCallError("open", .isDirectory)
        case .regular, nil: .file(try FileReplacement(of: name))
        default: .stream(SharedDescriptor(try .open(name, [.writeOnly, .noControllingTerminal])))
        }
    } catch {
      throw ConfigurationError("--verdict \(name)", "it cannot be written: \(error.errno)")
    }
  }

  /// Nil: there is no such file yet.
  private static func kind(of name: String) throws(SystemCallError) -> FileStatus.Kind? {
    do throws(SystemCallError) {
      return try FileStatus(of: name).kind
    } catch where error.errno == .noSuchFile {
      return nil
    }
  }

  func write(_ record: RunRecord) throws(HostError) {
    do throws(SystemCallError) {
      let text = VerdictDocument(record).json
      switch target {
      case .file(let replacement): try replacement.write(text)
      case .stream(let stream): try stream.descriptor.writeAll(text)
      }
    } catch {
      throw HostError("--verdict \(name): it cannot be written: \(error.errno)")
    }
  }
}
