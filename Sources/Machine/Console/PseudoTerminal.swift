import CLinux
import Host

/// A terminal that other programs open by its path (pty(7)), a plain channel of bytes.
struct PseudoTerminal: Sendable {
  /// This program's end; reading and writing do not wait.
  let controlling: SharedDescriptor
  let path: String
  /// While nobody has the terminal itself open, this program's end is in error; so it is held open here.
  private let terminal: SharedDescriptor

  init() throws(SystemCallError) {
    var name = [CChar](repeating: 0, count: 64)
    // SAFETY: the array's own memory, and its true size.
    let number = unsafe name.withUnsafeMutableBufferPointer { name in
      unsafe linux_open_pty(name.baseAddress, name.count)
    }
    controlling = SharedDescriptor(Descriptor(owning: try checked("posix_openpt", number)))
    path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    terminal = SharedDescriptor(try .open(path, [.readWrite, .noControllingTerminal]))
    try TerminalMode.makeRaw(terminal.number)
  }

  /// Bytes that were written here and nobody has read there.
  var unreadBytes: Int { terminal.descriptor.inputWaiting }
}
