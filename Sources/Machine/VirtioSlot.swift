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

  /// - Parameter wiring: gets the device's interrupt and its doorbells.
  init(
    _ device: sending any VirtioDevice, at place: VirtioPlace, _ wiring: inout Wiring, memory: GuestMemory
  ) throws(SystemCallError) {
    self.place = place
    transport = try MMIOTransport(device, memory: memory, interrupt: wiring.line(place.interrupt))
    // A driver notifies by writing the queue's number.
    let register = GuestAddress(place.window.rawValue + MMIOTransport.queueNotifyOffset)
    for (queue, doorbell) in transport.doorbells.enumerated() {
      wiring.add(doorbell: doorbell, at: register, value: UInt32(queue))
    }
  }

  var claim: Bus.Claim { .init(place.window.rawValue, count: MMIOTransport.windowBytes, transport) }
}
