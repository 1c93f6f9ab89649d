import CKVM
import Host
import Synchronization

extension VirtualMachine {
  /// Does beforehand what the kernel takes longest for when it takes the machine apart, which it does when the last
  /// descriptor of the machine is closed. For the machine's end, when no vCPU will run again.
  ///
  /// KVM's timer listens for the guest's acknowledgements of its interrupts, and ceases to with a grace period of SRCU:
  /// three or four ticks of the kernel's clock, 12 to 16 ms at 250 Hz. New interrupt routes wait for the same SRCU, but
  /// in the expedited way, and a grace period that somebody wants expedited is expedited for all who wait for it.
  func hastenTearDown() {
    let machine = descriptor.number
    let hasCeased = Flag()
    // What fails is done by the kernel later, as slowly as ever.
    let listener = try? Thread(named: "tear-down") {
      _ = ckvm_reinject_control(machine, 0)
      hasCeased.value.store(true, ordering: .releasing)
    }
    guard let listener else { return }
    // Only a request that comes while the other waits hurries it along, and when it begins to wait cannot be seen.
    while !hasCeased.value.load(ordering: .acquiring), ckvm_clear_gsi_routing(machine) == 0 {}
    listener.join()
  }
}

private final class Flag: Sendable {
  let value = Atomic(false)
}
