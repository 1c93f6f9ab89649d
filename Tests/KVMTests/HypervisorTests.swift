import CKVM
import Testing

@testable import KVM

/// A KVM that lacks something is named, and what it lacks.
@Suite struct HypervisorTests {
  @Test(arguments: [
    (KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"), (KVM_CAP_PIT2, "KVM_CAP_PIT2"), (KVM_CAP_IRQFD, "KVM_CAP_IRQFD"),
    (KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"),
  ])
  func aMissingExtensionIsNamed(capability: Int32, name: String) {
    let error = #expect(throws: KVMError.self) {
      try Hypervisor.requireExtensions { $0 == capability ? 0 : 1 }
    }
    #expect(error?.description == "this kernel's KVM lacks \(name): a newer kernel is needed")
  }

  @Test func whatIsMoreThanEnoughIsEnough() {
    #expect(throws: Never.self) { try Hypervisor.requireExtensions { _ in 99 } }
  }

  @Test func aForbiddenDeviceNamesTheGroup() {
    #expect(KVMError.cannotOpen(.permissionDenied).description.contains("group kvm"))
  }
}
