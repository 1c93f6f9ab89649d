import Control
import Metering

/// How a guest's run ended.
package enum Verdict: Equatable, Sendable {
  /// The guest switched itself off (ACPI S5).
  case powerOff
  /// The guest asked for a reset (i8042, port 0xcf9 or the ACPI reset register).
  case reset
  /// The guest wrote this value to the debug exit port.
  case debugExit(UInt32)
  /// The guest's kernel said that it cannot go on.
  case panic
  case tripleFault
  /// Every CPU is halted with interrupts off.
  case halted
  /// KVM could not run or emulate what the guest did.
  case unsupported
  /// The time given with `--timeout` is over.
  case timeout
  /// A person asked for the end.
  case stopped
  /// The VMM was killed.
  case killed
  /// The host's kernel failed while the guest ran.
  case hostFailed
  /// More of the guest stayed in the host's memory than ``Configuration/memoryLimitBytes`` lets it have.
  case memoryLimit
}

extension Verdict {
  /// The exit status of `rowhouse` and `rowhouse-vmm`, 0 to 255.
  package var exitStatus: Int32 {
    switch self {
    case .powerOff, .reset, .stopped: 0
    // As QEMU's isa-debug-exit: never 0. The kernel keeps eight bits of an exit status.
    case .debugExit(let value): Int32(truncatingIfNeeded: (value << 1 | 1) & 0xff)
    case .panic: 101
    case .tripleFault: 102
    case .halted: 103
    case .unsupported: 104
    case .memoryLimit: 105
    case .timeout: 124
    case .killed: 137
    case .hostFailed: 1
    }
  }

  /// The word for it in JSON.
  package var name: String {
    switch self {
    case .powerOff: "poweroff"
    case .reset: "reset"
    case .debugExit: "debugExit"
    case .panic: "panic"
    case .tripleFault: "tripleFault"
    case .halted: "halted"
    case .unsupported: "unsupported"
    case .timeout: "timeout"
    case .stopped: "stopped"
    case .killed: "killed"
    case .hostFailed: "hostFailed"
    case .memoryLimit: "memoryLimit"
    }
  }
}

extension Verdict: CustomStringConvertible {
  /// The verdict in a person's words: what the guest did.
  package var description: String {
    switch self {
    case .powerOff: "the guest powered off"
    case .reset: "the guest asked for a reset"
    case .debugExit(let value): "the guest left by the debug exit with the value \(value)"
    case .panic: "the guest's kernel panicked"
    case .tripleFault: "the guest had a triple fault"
    case .halted: "the guest hangs: every CPU is halted with interrupts off"
    case .unsupported: "the guest did something that KVM cannot run"
    case .timeout: "the guest did not end in the time it was given"
    case .stopped: "the guest was stopped"
    case .killed: "the guest was killed"
    case .hostFailed: "the host failed while the guest ran"
    case .memoryLimit: "the guest did not give up the memory that it has beyond its limit"
    }
  }
}

extension ControlReply {
  /// What is said to who waits for the end of a guest that ended so.
  init(_ verdict: Verdict) { self = .ended(code: verdict.code.code, value: verdict.code.value) }
}

// The meter page keeps a verdict as two words, so that it outlives the VMM.
extension Verdict {
  /// A number for the verdict's kind, above 0, and its value.
  package var code: (code: UInt32, value: UInt32) {
    switch self {
    case .powerOff: (1, 0)
    case .reset: (2, 0)
    case .debugExit(let value): (3, value)
    case .panic: (4, 0)
    case .tripleFault: (5, 0)
    case .halted: (6, 0)
    case .unsupported: (7, 0)
    case .timeout: (8, 0)
    case .stopped: (9, 0)
    case .killed: (10, 0)
    case .hostFailed: (11, 0)
    case .memoryLimit: (12, 0)
    }
  }

  /// The verdict that a meter keeps; nil while there is none, and for one that this version does not know.
  package init?(_ meter: MeterReading) {
    guard let verdict = meter.verdict else { return nil }
    self.init(code: verdict.code, value: verdict.value)
  }

  /// The verdict of a code and value that ``code`` gave, nil for any other.
  package init?(code: UInt32, value: UInt32) {
    switch code {
    case 1: self = .powerOff
    case 2: self = .reset
    case 3: self = .debugExit(value)
    case 4: self = .panic
    case 5: self = .tripleFault
    case 6: self = .halted
    case 7: self = .unsupported
    case 8: self = .timeout
    case 9: self = .stopped
    case 10: self = .killed
    case 11: self = .hostFailed
    case 12: self = .memoryLimit
    default: return nil
    }
  }
}
