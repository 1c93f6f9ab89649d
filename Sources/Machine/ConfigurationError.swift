/// An option that cannot be obeyed as it was given: which one, and why. The program ends with status 2.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The option as a person types it, with its value: "--cpus 0".
  package let subject: String
  package let reason: String

  package init(_ subject: String, _ reason: String) {
    self.subject = subject
    self.reason = reason
  }

  /// One line: "--cpus 0: a guest has at least one CPU".
  package var description: String { "\(subject): \(reason)" }
}
