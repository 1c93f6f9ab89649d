import GuestMemory
import Host
import KVM

/// What a machine begins with: memory, of which KVM knows, while the rest is still to be built.
struct Groundwork {
  let bootstrap: BootstrapThread
  let memory: GuestMemory

  /// Has a machine made on `bootstrap`.
  init(_ configuration: Configuration, on bootstrap: BootstrapThread) throws(MachineError) {
    self.bootstrap = bootstrap
    memory = try host { () throws(SystemCallError) in try GuestMemory(bytes: configuration.memoryBytes) }
    bootstrap.go(on: .init(configuration: configuration, memory: memory))
    // The vCPUs will want it as soon as there are any, which takes as long as to read it.
    _ = try kvm { () throws(KVMError) in try bootstrap.hypervisor.supportedCPUID() }
  }
}
