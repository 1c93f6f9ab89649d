import Host

/// Wakes a device at an instant, such as that at which its limits let it go on. Made when it is first needed.
final class DeviceTimer {
  private final class Clock {
    let timer: TimerFD
    init() throws(SystemCallError) { timer = try TimerFD() }
  }

  private var clock: Clock?
  private(set) var isArmed = false

  /// For a device's sources; -1 while there is none.
  var number: Int32 { clock?.timer.number ?? -1 }

  /// A host that has no timer left is asked again at the guest's next notification.
  func arm(at instant: Instant) {
    if clock == nil { clock = try? Clock() }
    clock?.timer.arm(at: instant)
    isArmed = clock != nil
  }

  func disarm() {
    if isArmed { clock?.timer.disarm() }
    isArmed = false
  }

  func acknowledge() {
    clock?.timer.acknowledge()
    isArmed = false
  }
}
