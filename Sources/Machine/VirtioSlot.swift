import Devices
import GuestMemory
import Host
import Virtio

/// A virtio device in its place in a machine.
struct VirtioSlot {
  let place: VirtioPlace
  let transport: MMIOTransport
  /// Set when the device is a balloon.
  var balloon: MachineBalloon?

  /// - Parameters:
  ///   - name: what a person knows the device by.
  ///   - wiring: gets the device's interrupt and its doorbells.
  ///   - log: hears of what stops the device (virtio 1.2, 2.1.2, DEVICE_NEEDS_RESET).
  init(
    _ device: sending any VirtioDevice, named name: String, at place: VirtioPlace, _ wiring: inout Wiring,
    memory: GuestMemory, log: DeviceLog
  ) throws(SystemCallError) {
    self.place = place
    transport = try MMIOTransport(device, memory: memory, interrupt: wiring.line(place.interrupt)) {
      let event = "the guest's driver gave it \($0.fault); it does nothing until the driver resets it"
      log.note(name, .fault, event, count: $0.count)
    }
    // A driver notifies by writing the queue's number.
    let register = GuestAddress(place.window.rawValue + MMIOTransport.queueNotifyOffset)
    for (queue, doorbell) in transport.doorbells.enumerated() {
      wiring.add(doorbell: doorbell, at: register, value: UInt32(queue))
    }
  }

  var claim: Bus.Claim { .init(place.window.rawValue, count: MMIOTransport.windowBytes, transport) }
}
