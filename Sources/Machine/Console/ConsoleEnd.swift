import Glibc
import Host

/// The host's end of a guest's console: where its output goes and its input comes from.
struct ConsoleEnd: Sendable {
  /// Nil: output is let go, or shown at ``terminal`` or ``listener``.
  var output: ByteSink?
  /// Nil: there is no input, but for that of ``listener``.
  var input: SharedDescriptor?
  /// Made for tools that open it.
  var terminal: PseudoTerminal?
  /// Where tools connect.
  var listener: TCPListener?

  static func open(_ console: Configuration.Console) throws(ConsoleError) -> ConsoleEnd {
    do throws(SystemCallError) {
      switch console {
      case .none: return ConsoleEnd()
      case .standard:
        let input = SharedDescriptor(try .duplicate(of: STDIN_FILENO))
        // Should a write wait all the same, the I/O thread is late and the vCPUs are not.
        return ConsoleEnd(output: try .standard(STDOUT_FILENO), input: input)
      case .file(let path):
        let file = SharedDescriptor(try .open(path, [.writeOnly, .create, .truncate]))
        return ConsoleEnd(output: ByteSink(file))
      case .pseudoTerminal:
        let terminal = try PseudoTerminal()
        // A second number, so that reading and writing can be waited for apart.
        let input = SharedDescriptor(try .duplicate(of: terminal.controlling.number))
        return ConsoleEnd(input: input, terminal: terminal)
      case .tcp(let address): return ConsoleEnd(listener: try TCPListener(at: address))
      }
    } catch {
      throw ConsoleError(console: console, errno: error.errno)
    }
  }

  /// Where a person finds the console, as far as it was made for it; nil where the person has said it.
  var place: String? { terminal?.path ?? listener.map { "tcp:\($0.address)" } }
}

/// The console's host end could not be opened.
package struct ConsoleError: Error, CustomStringConvertible {
  let console: Configuration.Console
  let errno: Errno

  package var description: String {
    let what =
      switch console {
      case .standard: "standard input or output"
      case .file(let path): path
      case .pseudoTerminal: "a pseudo-terminal"
      case .none, .tcp: console.description
      }
    let hint = errno == .addressInUse ? "; give another port, or 0 for one that is free" : ""
    return "--console: \(what) cannot be opened: \(errno)\(hint)"
  }
}
