import Glibc
import Host

/// A program of this computer, and what it says in one line.
struct InstalledProgram {
  let path: String

  init(path: String) { self.path = path }

  /// Finds a program: beside this one, as they are installed together, else where PATH leads.
  ///
  /// - Returns: nil when it is not installed.
  init?(_ name: String) {
    let path = Environment["PATH"] ?? ""
    let places = [Self.ownFolder].compactMap(\.self) + path.split(separator: ":").map(String.init)
    for place in places {
      let path = "\(place)/\(name)"
      // SAFETY: the call only reads the text.
      if unsafe access(path, X_OK) == 0 {
        self.path = path
        return
      }
    }
    return nil
  }

  /// The folder that this program's file is in.
  static var ownFolder: String? {
    var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
    // SAFETY: the array's own memory, and its true size.
    let count = unsafe readlink("/proc/self/exe", &target, target.count)
    guard count > 0, let slash = target[..<count].lastIndex(of: UInt8(ascii: "/")) else { return nil }
    return String(decoding: target[..<slash], as: UTF8.self)
  }

  /// What the program writes to its standard output, and how it ended. Its errors are the person's to see.
  func output(_ arguments: [String]) throws(SystemCallError) -> (text: String, end: ChildProcess.End) {
    let nothing = try Descriptor.open("/dev/null", .readWrite)
    let output = try Descriptor.memory(named: "output")
    let child = try ChildProcess(
      path, arguments, descriptors: [nothing.number, output.number, STDERR_FILENO], defaults: [SIGPIPE])
    let loop = try EventLoop()
    let handle = try ProcessHandle(child.process)
    try loop.add(handle.number, .readable) { _ in loop.stop() }
    try loop.run()
    guard let collected = try child.collect() else { return ("", .exited(status: 1)) }
    let bytes = try output.read(count: Int(clamping: try output.status().size), at: 0)
    return (String(decoding: bytes, as: UTF8.self), collected.end)
  }

  /// The first line of what it writes, nil when it fails or says nothing.
  func firstLine(_ arguments: [String]) -> String? {
    guard let (text, end) = try? output(arguments), end == .exited(status: 0) else { return nil }
    return text.split(separator: "\n").first.map(String.init)
  }
}
