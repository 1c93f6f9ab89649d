import Host

/// The host refused what the tool itself needs: the program ends with status 1.
struct HostError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  init(_ error: SystemCallError) { self.init("the host refused \(error)") }
}

/// Runs `body`, and turns a refused system call into a ``HostError``.
func host<Result: ~Copyable>(_ body: () throws(SystemCallError) -> Result) throws(HostError) -> Result {
  do throws(SystemCallError) { return try body() } catch { throw HostError(error) }
}
