import Host
import Synchronization

/// What a device tells the machine that it sits in: the guest has done something that ends its run.
package enum EndRequest: Equatable, Sendable {
  /// ACPI S5.
  case powerOff
  /// A reset by i8042, port 0xcf9 or the ACPI reset register.
  case reset
  /// A write of `value` to the debug exit port.
  case debugExit(UInt32)
  /// The guest's kernel says that it cannot go on (pvpanic).
  case panic
}

/// Keeps the first request that ends the guest, and lets every vCPU see in one relaxed load that there is one.
package final class EndLatch: Sendable {
  /// Signalled once, with the first request.
  package let event: EventFD

  // The request in one word: 0 none, else a tag in the low byte and the debug exit's value in the upper half.
  private let word = Atomic<UInt64>(0)

  package init() throws(SystemCallError) { event = try EventFD() }

  /// Asks for the end of the guest. Later requests change nothing: the first one is the guest's true end.
  package func request(_ request: EndRequest) {
    let code: UInt64 =
      switch request {
      case .powerOff: 1
      case .reset: 2
      case .panic: 3
      case .debugExit(let value): 4 | UInt64(value) << 32
      }
    if word.compareExchange(expected: 0, desired: code, ordering: .releasing).exchanged { event.signal() }
  }

  /// The first request, or nil while there is none.
  package var requested: EndRequest? {
    let code = word.load(ordering: .acquiring)
    switch code & 0xff {
    case 1: return .powerOff
    case 2: return .reset
    case 3: return .panic
    case 4: return .debugExit(UInt32(code >> 32))
    default: return nil
    }
  }

  /// Whether a request has come; cheap enough for every exit.
  package var isSet: Bool { word.load(ordering: .relaxed) != 0 }
}
