import Metering

/// A moment of a boot, in the order in which they come. The raw values are the names in results.json.
enum BootMoment: String, CaseIterable {
  case processStarted = "process_started"
  case machineCreated = "machine_created"
  case imageLoaded = "image_loaded"
  case guestStarted = "guest_started"
  /// The kernel's first instruction, which a kernel can mark (``PostMark``).
  case kernelEntered = "kernel_entered"
  /// The first byte of the console was read here.
  case firstByte = "first_byte"
  /// The guest's first program runs, as one of several things tells (``InitSource``).
  case initReached = "init"
  /// The console said what `--until` waits for.
  case marker
  case guestEnded = "guest_ended"
  case tornDown = "torn_down"
  /// The VMM was seen to have ended.
  case exit

  /// What happens before it, since the moment before.
  var phase: String {
    switch self {
    case .processStarted: "process start"
    case .machineCreated: "KVM set-up"
    case .imageLoaded: "image load"
    case .guestStarted: "devices and CPUs"
    case .kernelEntered: "to kernel entry"
    case .firstByte: "to the first console byte"
    case .initReached: "to init"
    case .marker: "to the marker"
    case .guestEnded: "to the guest's end"
    case .tornDown: "tear-down"
    case .exit: "to the process's end"
    }
  }

  init?(_ phase: Phase) {
    switch phase {
    case .processStarted: self = .processStarted
    case .machineCreated: self = .machineCreated
    case .imageLoaded: self = .imageLoaded
    case .guestStarted: self = .guestStarted
    case .guestEnded: self = .guestEnded
    case .tornDown: self = .tornDown
    // Seen from outside too, where it is seen of all.
    case .firstConsoleByte: return nil
    }
  }
}
