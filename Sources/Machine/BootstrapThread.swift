import Boot
import Devices
import GuestMemory
import Host
import KVM
import Metering

/// The thread of the first vCPU, which has KVM make the machine before it runs it.
///
/// The making is most of the time in which a small guest starts, and most of it is waiting in the kernel. So it begins
/// before anything is known of the guest, and goes on while the I/O thread reads the configuration, lays out memory,
/// reads the host's CPUID, loads the image and makes the devices. It is a vCPU's own thread that does it because no
/// other must then be started or woken on the way to the guest's first instruction, and because KVM is slower when a
/// vCPU's calls come from another thread than the one before (the kernel's virt/kvm/api.rst, section 2).
package final class BootstrapThread {
  /// What the machine is made of, as soon as the configuration says it.
  struct Plan: Sendable {
    let configuration: Configuration
    let memory: GuestMemory
  }

  /// What the I/O thread gets ready.
  struct Guest: Sendable {
    let entry: EntryState
    let wiring: Wiring
    let ports: Bus
    let windows: Bus
    let ending: Ending
    let throttle: CPUThrottle
    let meter: MeterPage
  }

  /// What this thread has made.
  struct Product: Sendable {
    let virtualMachine: VirtualMachine
    let cpus: [VirtualCPUThread]
    /// The thread that runs the first of them. It is for the taker to join, when the vCPU was told to stop.
    let thread: Thread
  }

  let hypervisor: Hypervisor
  /// When this program started, where this is the first thing that the program does.
  let startTime: Instant
  private let exchange: Exchange
  private let thread: Thread
  private var isStarted = false

  /// Opens /dev/kvm and starts to make a machine.
  package convenience init() throws(MachineError) {
    // Before /dev/kvm is opened and asked what it can do: that is KVM's set-up.
    let startTime = Instant.now
    try self.init(on: kvm { () throws(KVMError) in try Hypervisor() }, startTime: startTime)
  }

  /// Starts to make a machine.
  init(on hypervisor: Hypervisor, startTime: Instant = .now) throws(MachineError) {
    let exchange = Exchange()
    self.startTime = startTime
    self.hypervisor = hypervisor
    self.exchange = exchange
    thread = try host { () throws(SystemCallError) in
      try Thread(named: "bootstrap") { BootstrapThread.run(exchange, on: hypervisor) }
    }
  }

  /// Without a guest the thread ends when it has made what it can.
  deinit {
    guard !isStarted else { return }
    exchange.hasPlan.signal()
    exchange.hasGuest.signal()
    thread.join()
  }

  /// Says what the machine is made of. To be called once, before ``start(_:)``.
  func go(on plan: Plan) {
    exchange.plan = plan
    exchange.hasPlan.signal()
  }

  /// Puts the guest into the machine and lets the first vCPU run. To be called once.
  ///
  /// - Throws: what went wrong while the machine was made, too.
  func start(_ guest: Guest) throws(KVMError) -> Product {
    exchange.guest = guest
    exchange.hasGuest.signal()
    exchange.hasOutcome.wait()
    isStarted = true
    guard let machine = exchange.machine else {
      thread.join()
      throw exchange.failure!
    }
    let product = Product(virtualMachine: machine, cpus: exchange.cpus, thread: thread)
    exchange.empty()
    return product
  }

  // Each is written before its semaphore is signalled, and read by the other thread after that was waited for. Plain
  // variables: the metadata of a generic class would be made at the start of each guest, for as long as all this takes.
  private final class Exchange: @unchecked Sendable {
    var plan: Plan?
    let hasPlan = Semaphore()
    var guest: Guest?
    let hasGuest = Semaphore()
    var machine: VirtualMachine?
    var cpus: [VirtualCPUThread] = []
    var failure: KVMError?
    let hasOutcome = Semaphore()

    /// What was exchanged is the machine's from then on: this is there for longer, and a machine that has ended must
    /// let go of the host's files before the next one opens them.
    func empty() { (plan, guest, machine, cpus) = (nil, nil, nil, []) }
  }
}

// MARK: On the thread

extension BootstrapThread {
  private static func run(_ exchange: Exchange, on hypervisor: Hypervisor) {
    // They are the I/O thread's: to end the program with until it collects them, and to be collected then.
    Thread.leaveSignalsToOthers(but: VirtualCPU.kickSignal)
    do throws(KVMError) {
      let machine = try hypervisor.makeVirtualMachine()
      exchange.hasPlan.wait()
      guard let plan = exchange.plan else { return }
      let cpus = try furnish(machine, plan, on: hypervisor)
      let created = Instant.now
      exchange.hasGuest.wait()
      guard let guest = exchange.guest else { return }
      guest.meter.reached(.machineCreated, at: created)
      try guest.wiring.connect(to: machine)
      try cpus[0].enter(guest.entry)
      let pins = plan.configuration.cpuAllotment.pinnedCPUs
      let threads = cpus.map {
        VirtualCPUThread(
          $0, ports: guest.ports, memory: guest.windows, ending: guest.ending, meter: guest.meter.cpu($0.id),
          throttle: guest.throttle, pin: pins.isEmpty ? nil : pins[$0.id % pins.count],
          profile: plan.configuration.exitProfile == nil ? nil : ExitProfile())
      }
      (exchange.machine, exchange.cpus) = (machine, threads)
      guest.meter.reached(.guestStarted)
      exchange.hasOutcome.signal()
      Thread.rename("vcpu0")
      threads[0].run()
    } catch {
      exchange.failure = error
      exchange.hasOutcome.signal()
    }
  }

  /// All that KVM can make without knowing the guest.
  private static func furnish(
    _ machine: VirtualMachine, _ plan: Plan, on hypervisor: Hypervisor
  ) throws(KVMError) -> [VirtualCPU] {
    // Memory first: KVM waits for all readers of its list of slots to leave it, and once there are interrupt
    // controllers there are readers.
    try machine.map(plan.memory)
    try machine.createInterruptControllers(reservedPages: Layout.reservedPages.first)
    var cpus: [VirtualCPU] = []
    for id in 0..<plan.configuration.cpuCount { cpus.append(try machine.makeVirtualCPU(id)) }
    let cpuid = try hypervisor.supportedCPUID().forGuest(
      .init(
        cpuCount: cpus.count, tscKilohertz: cpus[0].tscKilohertz,
        hasTSCDeadlineTimer: hypervisor.hasTSCDeadlineTimer, hiddenFeatures: plan.configuration.hiddenFeatures))
    for cpu in cpus {
      try cpu.setCPUID(cpuid.forVirtualCPU(cpu.id))
      try cpu.setFirmwareMSRs()
    }
    return cpus
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
