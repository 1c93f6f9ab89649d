import Foundation
import Host
import Testing

@testable import KVM

/// A machine whose tear-down was hastened is taken apart as any other is.
@Suite(
  .enabled(
    if: FileManager.default.isWritableFile(atPath: "/dev/kvm"),
    "THE TEAR-DOWN OF A MACHINE WAS NOT TESTED: that needs a /dev/kvm on this host"))
struct TearDownTests {
  @Test func theTimerHasCeasedToListen() throws {
    let machine = try Hypervisor().makeVirtualMachine()
    try machine.createInterruptControllers(reservedPages: .init(0xfffb_c000))
    machine.hastenTearDown()
    // The second time there is nothing to cease and nothing to wait for: it must not wait for ever either.
    machine.hastenTearDown()
    _ = try machine.makeVirtualCPU(0)
  }

  @Test func aMachineWithoutATimerIsLeftAsItIs() throws {
    try Hypervisor().makeVirtualMachine().hastenTearDown()
  }
}
