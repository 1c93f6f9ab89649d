import Devices
import Host
import Synchronization

/// Where everything that can end a guest's run says so: devices, vCPU threads, and the I/O thread itself.
final class Ending: Sendable {
  /// The devices' side.
  let latch: EndLatch
  /// The device that knows of a panic which is not the end yet.
  let panicPort: PVPanic
  private let own = Mutex<Verdict?>(nil)

  init() throws(SystemCallError) {
    latch = try EndLatch()
    panicPort = PVPanic(end: latch)
  }

  /// Signalled with the first reason to end.
  var event: EventFD { latch.event }

  /// Ends the guest for a reason that is no device's. Only the first one counts.
  func report(_ verdict: Verdict) {
    own.withLock { own in
      if own == nil, !latch.isSet { own = verdict }
    }
    event.signal()
  }

  /// The verdict so far, nil while the guest may go on.
  ///
  /// - Parameter hasPanicked: whether the guest's console has shown a panic. A kernel that panics then resets, faults
  ///   or halts, and it is the panic that its developer must hear of.
  func verdict(hasPanicked: Bool) -> Verdict? {
    guard let verdict = own.withLock({ $0 }) ?? latch.requested.map(Verdict.init) else { return nil }
    return switch verdict {
    // A crash kernel ends by whatever means when it has saved what it wants.
    case .powerOff: panicPort.handedToCrashKernel ? .panic : verdict
    case .reset, .tripleFault, .halted, .timeout:
      hasPanicked || panicPort.handedToCrashKernel ? .panic : verdict
    default: verdict
    }
  }
}

extension Verdict {
  fileprivate init(_ request: EndRequest) {
    self =
      switch request {
      case .powerOff: .powerOff
      case .reset: .reset
      case .debugExit(let value): .debugExit(value)
      case .panic: .panic
      }
  }
}
