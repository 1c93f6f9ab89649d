import Host

/// The host refused what the tool itself needs: the program ends with status 1.
struct HostError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  init(_ error: SystemCallError) { self.init("the host refused \(error)") }
}
