import Devices
import GuestMemory
import Host
import KVM
import Virtio

/// A virtio device in its place in a machine.
struct VirtioSlot {
  let place: VirtioPlace
  let transport: MMIOTransport
  /// Set when the device is a balloon.
  var balloon: MachineBalloon?

  /// Binds a device's doorbells and its interrupt to KVM.
  init(
    _ device: sending any VirtioDevice, at place: VirtioPlace, of machine: VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    self.place = place
    let line: InterruptLine
    do throws(SystemCallError) {
      line = try InterruptLine()
      transport = try MMIOTransport(device, memory: memory, interrupt: line)
    } catch {
      throw .host(error)
    }
    do throws(KVMError) {
      try machine.connect(line.event, toInterrupt: place.interrupt)
      // A driver notifies by writing the queue's number.
      let register = GuestAddress(place.window.rawValue + MMIOTransport.queueNotifyOffset)
      for (queue, doorbell) in transport.doorbells.enumerated() {
        try machine.connect(doorbell: doorbell, at: register, value: UInt32(queue))
      }
    } catch {
      throw .kvm(error)
    }
  }

  var claim: Bus.Claim { .init(place.window.rawValue, count: MMIOTransport.windowBytes, transport) }
}
