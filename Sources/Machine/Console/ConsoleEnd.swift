import CLinux
import Glibc
import Host

/// The host's end of a guest's console: where its output goes and its input comes from.
struct ConsoleEnd: Sendable {
  /// Nil: output is let go.
  let output: ByteSink?
  /// Nil: there is no input.
  let input: SharedDescriptor?
  /// The name of a pseudo-terminal that was made, to be told to a person.
  let terminalName: String?
  /// A pseudo-terminal whose other side nobody has open reads as an error; so one is held open here.
  private let otherSide: SharedDescriptor?

  static func open(_ console: Configuration.Console) throws(ConsoleError) -> ConsoleEnd {
    switch console {
    case .none: return ConsoleEnd(output: nil, input: nil)
    case .standard: return try .standard()
    case .file(let path):
      do throws(SystemCallError) {
        let file = SharedDescriptor(try .open(path, [.writeOnly, .create, .truncate]))
        return ConsoleEnd(output: ByteSink(file), input: nil)
      } catch {
        throw ConsoleError(what: path, errno: error.errno)
      }
    case .pseudoTerminal: return try .pseudoTerminal()
    }
  }

  private init(
    output: ByteSink?, input: SharedDescriptor?, terminalName: String? = nil, otherSide: SharedDescriptor? = nil
  ) {
    self.output = output
    self.input = input
    self.terminalName = terminalName
    self.otherSide = otherSide
  }

  private static func standard() throws(ConsoleError) -> ConsoleEnd {
    do throws(SystemCallError) {
      let input = SharedDescriptor(try .duplicate(of: STDIN_FILENO))
      // Should a write wait all the same, the I/O thread is late and the vCPUs are not.
      return ConsoleEnd(output: try .standardOutput(), input: input)
    } catch {
      throw ConsoleError(what: "standard input or output", errno: error.errno)
    }
  }

  private static func pseudoTerminal() throws(ConsoleError) -> ConsoleEnd {
    do throws(SystemCallError) {
      var name = [CChar](repeating: 0, count: 64)
      // SAFETY: the array's own memory, and its true size.
      let number = unsafe name.withUnsafeMutableBufferPointer { name in
        unsafe linux_open_pty(name.baseAddress, name.count)
      }
      let controlling = SharedDescriptor(Descriptor(owning: try checked("posix_openpt", number)))
      let path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let other = SharedDescriptor(try .open(path, [.readWrite, .noControllingTerminal]))
      try TerminalMode.makeRaw(other.number)
      // A second number, so that reading and writing can be waited for apart.
      let input = SharedDescriptor(try .duplicate(of: controlling.number))
      return ConsoleEnd(output: ByteSink(controlling), input: input, terminalName: path, otherSide: other)
    } catch {
      throw ConsoleError(what: "a pseudo-terminal", errno: error.errno)
    }
  }
}

extension ConsoleEnd {
  /// See ``ConsoleRelay/waitForTerminalReader()``. A reader that takes nothing for a fifth of a second is none.
  func waitForTerminalReader() {
    guard let otherSide else { return }
    let (pause, patience) = (5, 200)  // milliseconds
    var (left, idle, empty) = (Int32.max, 0, 0)
    // What was written arrives on the other side a moment later, so nothing there must be seen twice.
    while empty < 2, idle < patience {
      usleep(UInt32(pause * 1000))
      let now = linux_input_waiting(otherSide.number)
      empty = now <= 0 ? empty + 1 : 0
      idle = now < left ? 0 : idle + pause
      left = now
    }
  }
}

/// The console's host end could not be opened.
package struct ConsoleError: Error, CustomStringConvertible {
  let what: String
  let errno: Errno

  package var description: String { "--console: \(what) cannot be opened: \(errno)" }
}
