import Boot
import Devices
import Glibc
import GuestMemory
import Host
import KVM
import Metering

/// The thread of the first vCPU, which has KVM make the machine before it runs it.
///
/// The making is most of the time in which a small guest starts, and most of it is waiting in the kernel. So the I/O
/// thread reads the host's CPUID, loads the image and makes the devices meanwhile. It is a vCPU's own thread that does it
/// because no other must then be started or woken on the way to the guest's first instruction, and because KVM is slower
/// when a vCPU's calls come from another thread than the one before (the kernel's virt/kvm/api.rst, section 2).
final class BootstrapThread {
  /// What the I/O thread gets ready.
  struct Guest: Sendable {
    let entry: EntryState
    /// What KVM can show of the host's CPU.
    let supportedCPUID: CPUID
    let hasTSCDeadlineTimer: Bool
    let wiring: Wiring
    let ports: Bus
    let windows: Bus
    let ending: Ending
    let throttle: CPUThrottle
  }

  /// What this thread has made.
  struct Product: Sendable {
    let virtualMachine: VirtualMachine
    let cpus: [VirtualCPUThread]
    /// The thread that runs the first of them. It is for the taker to join, when the vCPU was told to stop.
    let thread: Thread
  }

  private let exchange: Exchange
  private let thread: Thread
  private var isStarted = false

  /// Starts to make the machine.
  ///
  /// - Parameter memory: must live until the thread has ended.
  init(
    _ configuration: Configuration, on hypervisor: Hypervisor, memory: GuestMemory, meter: MeterPage
  ) throws(SystemCallError) {
    let exchange = Exchange()
    self.exchange = exchange
    thread = try Thread(named: "bootstrap") {
      BootstrapThread.run(exchange, configuration, on: hypervisor, memory, meter)
    }
  }

  /// Without a guest the thread ends when the machine is made.
  deinit {
    guard !isStarted else { return }
    exchange.hasGuest.signal()
    thread.join()
  }

  /// Puts the guest into the machine and lets the first vCPU run. To be called once.
  ///
  /// - Throws: what went wrong while the machine was made, too.
  func start(_ guest: Guest) throws(KVMError) -> Product {
    exchange.guest = guest
    exchange.hasGuest.signal()
    exchange.hasProduct.wait()
    isStarted = true
    guard let product = exchange.product else {
      thread.join()
      throw exchange.failure!
    }
    return Product(virtualMachine: product.0, cpus: product.1, thread: thread)
  }

  // Each is written before its semaphore is signalled, and read by the other thread after that was waited for.
  private final class Exchange: @unchecked Sendable {
    var guest: Guest?
    let hasGuest = Semaphore()
    var product: (VirtualMachine, [VirtualCPUThread])?
    var failure: KVMError?
    let hasProduct = Semaphore()
  }
}

// MARK: On the thread

extension BootstrapThread {
  private static func run(
    _ exchange: Exchange, _ configuration: Configuration, on hypervisor: Hypervisor, _ memory: GuestMemory,
    _ meter: MeterPage
  ) {
    // They are the I/O thread's: to end the program with until it collects them, and to be collected then.
    try? SignalFD.block([SIGTERM, SIGINT, SIGHUP])
    do throws(KVMError) {
      let (machine, cpus) = try make(configuration, on: hypervisor, memory: memory)
      meter.reached(.machineCreated)
      exchange.hasGuest.wait()
      guard let guest = exchange.guest else { return }
      try setUp(cpus, of: machine, for: guest, configuration)
      let pins = configuration.cpuAllotment.pinnedCPUs
      let threads = cpus.map {
        VirtualCPUThread(
          $0, ports: guest.ports, memory: guest.windows, ending: guest.ending, meter: meter.cpu($0.id),
          throttle: guest.throttle, pin: pins.isEmpty ? nil : pins[$0.id % pins.count],
          profile: configuration.exitProfile == nil ? nil : ExitProfile())
      }
      exchange.product = (machine, threads)
      meter.reached(.guestStarted)
      exchange.hasProduct.signal()
      Thread.rename("vcpu0")
      threads[0].run()
    } catch {
      exchange.failure = error
      exchange.hasProduct.signal()
    }
  }

  /// All that KVM can make without knowing the guest.
  private static func make(
    _ configuration: Configuration, on hypervisor: Hypervisor, memory: GuestMemory
  ) throws(KVMError) -> (VirtualMachine, [VirtualCPU]) {
    let machine = try hypervisor.makeVirtualMachine()
    // Memory first: KVM waits for all readers of its list of slots to leave it, and once there are interrupt controllers
    // there are readers.
    try machine.map(memory)
    try machine.createInterruptControllers(reservedPages: Layout.reservedPages.first)
    var cpus: [VirtualCPU] = []
    for id in 0..<configuration.cpuCount { cpus.append(try machine.makeVirtualCPU(id)) }
    return (machine, cpus)
  }

  private static func setUp(
    _ cpus: [VirtualCPU], of machine: VirtualMachine, for guest: Guest, _ configuration: Configuration
  ) throws(KVMError) {
    try guest.wiring.connect(to: machine)
    let cpuid = guest.supportedCPUID.forGuest(
      .init(
        cpuCount: cpus.count, tscKilohertz: cpus[0].tscKilohertz, hasTSCDeadlineTimer: guest.hasTSCDeadlineTimer,
        hiddenFeatures: configuration.hiddenFeatures))
    for cpu in cpus {
      try cpu.setCPUID(cpuid.forVirtualCPU(cpu.id))
      try cpu.setFirmwareMSRs()
    }
    try cpus[0].enter(guest.entry)
  }
}

extension VirtualCPU {
  /// Puts the first CPU where the boot protocol wants it.
  fileprivate func enter(_ entry: EntryState) throws(KVMError) {
    switch entry {
    case .longMode(let rip, let rsi, let cr3, let table):
      try enterLongMode(
        at: GuestAddress(rip), EntryValues(rsi: rsi), FlatSegments(table), pageTables: GuestAddress(cr3))
    case .protectedMode(let state, let table):
      let values = EntryValues(rax: UInt64(state.eax), rbx: UInt64(state.ebx), rsi: UInt64(state.esi))
      try enterProtectedMode(at: GuestAddress(UInt64(state.eip)), values, FlatSegments(table))
    case .realMode(let segment, let offset):
      try enterRealMode(segment: segment, offset: offset)
    }
  }
}

extension FlatSegments {
  fileprivate init(_ table: SegmentTable) {
    self.init(
      codeSelector: SegmentTable.codeSelector, dataSelector: SegmentTable.dataSelector, tableBase: table.base,
      tableLimit: table.limit)
  }
}
