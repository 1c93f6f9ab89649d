import Host

/// Which device a guest has left a mark with.
package enum MarkSource: Sendable {
  /// ``BootTimer``
  case bootTimer
  /// ``PostCode``
  case postCode
}

/// Keeps the marks that a guest leaves to be timed.
package protocol MarkRecorder: AnyObject, Sendable {
  /// The guest has left a mark. Called on the vCPU's thread, several at once; the guest waits for its return, and a
  /// guest may call it as often as it likes.
  func record(_ mark: UInt8, from source: MarkSource, at time: Instant)
}
