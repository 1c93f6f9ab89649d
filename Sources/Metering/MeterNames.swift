/// How far a guest has come.
package enum GuestState: UInt64, Sendable {
  case starting = 0, running = 1, ended = 2, paused = 3

  /// Whether the guest has begun to run and has not ended.
  package var isLive: Bool { self == .running || self == .paused }
}

/// A moment in a guest's life, each reached at most once per run.
package enum Phase: Int, CaseIterable, Sendable {
  /// The VMM's first instruction of its own.
  case processStarted
  /// The machine exists in KVM, with memory, interrupt controllers and vCPUs.
  case machineCreated
  /// Kernel, initramfs and tables lie in guest memory. That happens while the machine is made: either may be first.
  case imageLoaded
  /// The first vCPU is about to enter the guest.
  case guestStarted
  /// The guest wrote its first byte to the console.
  case firstConsoleByte
  /// The guest's verdict is known.
  case guestEnded
  /// All threads are joined and the machine is gone.
  case tornDown

  /// The name in JSON, without the unit.
  package var name: String {
    switch self {
    case .processStarted: "process_started"
    case .machineCreated: "machine_created"
    case .imageLoaded: "image_loaded"
    case .guestStarted: "guest_started"
    case .firstConsoleByte: "first_console_byte"
    case .guestEnded: "guest_ended"
    case .tornDown: "torn_down"
    }
  }
}

/// Why a vCPU left the guest, as far as the meter tells reasons apart.
public enum ExitReason: Int, CaseIterable, Sendable {
  case portRead, portWrite, memoryRead, memoryWrite, interrupted, other

  package var name: String {
    switch self {
    case .portRead: "port_read"
    case .portWrite: "port_write"
    case .memoryRead: "memory_read"
    case .memoryWrite: "memory_write"
    case .interrupted: "interrupted"
    case .other: "other"
    }
  }
}

/// Bytes that went over a guest's console.
package enum ConsoleCounter: Int, CaseIterable, Sendable {
  /// From the guest.
  case output
  /// To the guest.
  case input
  /// From the guest, and lost because nobody took them in time.
  case dropped

  package var name: String {
    switch self {
    case .output: "output_bytes"
    case .input: "input_bytes"
    case .dropped: "dropped_bytes"
    }
  }
}
