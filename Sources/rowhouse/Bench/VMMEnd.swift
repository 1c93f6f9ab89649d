import Host

extension ChildProcess.End {
  /// How a VMM ended that should not have ended so: "it ended with status 1", with the last line that it said.
  ///
  /// - Parameter errors: a file that its standard error went to.
  func reason(_ errors: borrowing Descriptor) throws(SystemCallError) -> String {
    let size = try errors.status().size
    let count = min(1 << 16, size)
    let bytes = try errors.read(count: Int(count), at: size - count)
    let said = String(decoding: bytes, as: UTF8.self).split(separator: "\n").last.map { ": \($0)" } ?? ""
    switch self {
    case .exited(let status): return "it ended with status \(status)\(said)"
    case .killed(let signal): return "it was ended by signal \(signal)\(said)"
    }
  }
}
