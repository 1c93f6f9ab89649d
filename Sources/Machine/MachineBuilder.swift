import Boot
import Devices
import DiskImage
import GuestMemory
import Host
import KVM
import Metering
import Virtio

/// Makes machines from a configuration. One recipe, from top to bottom.
struct MachineBuilder {
  let configuration: Configuration
  let console: ConsoleOutput
  let meter: MeterPage
  private let disks: DiskShelf
  /// With its files open: a guest that starts anew gets what it had, whatever has become of their names.
  private let bootRequest: BootRequest
  /// Of the disks, then of the network cards. They stay when the guest starts anew, and so does what it has used.
  let limiters: [RateLimiter]
  /// It stays too: a reset forgives no debt.
  private let throttle: CPUThrottle
  /// It stays too, so that a guest that starts anew all the time says no more.
  private let logs = Logs()

  private final class Logs {
    /// Made for the first device: to make it takes 50 µs, in which a guest without devices would wait.
    lazy var devices = DeviceLog()
  }

  /// - Parameter quota: what the vCPUs may use of CPU time; nil: all.
  init(
    _ configuration: Configuration, _ quota: CPUQuota?, console: ConsoleOutput, meter: MeterPage
  ) throws(MachineError) {
    self.configuration = configuration
    self.console = console
    self.meter = meter
    let limits = configuration.disks.map(\.limits) + configuration.networks.map(\.limits)
    limiters = limits.map { RateLimiter($0, at: .now) }
    throttle = CPUThrottle(quota, cpuCount: configuration.cpuCount, at: .now)
    do throws(ImageError) { disks = try DiskShelf(configuration.disks) } catch { throw .disk(error) }
    bootRequest = try boot { () throws(BootError) in try configuration.bootRequest() }
  }

  /// - Parameters:
  ///   - groundwork: on which KVM makes the machine meanwhile.
  ///   - balloonBytes: what the balloon is to take at first.
  func build(on groundwork: Groundwork, balloonBytes: UInt64) throws(MachineError) -> Machine {
    let memory = groundwork.memory
    var request = bootRequest

    var wiring = Wiring()
    let consoleLine = try makeConsoleLine()
    let virtioDevices = try makeVirtioDevices(&wiring, memory, consoleLine, balloonBytes)
    let places = virtioDevices.map(\.place)
    request.commandLine = places.completing(request.commandLine)
    let platform = Layout.platform(cpuCount: configuration.cpuCount, virtioDevices: places.map(\.description))
    let entry = try boot { () throws(BootError) in try load(request, into: memory, platform: platform) }
    meter.reached(.imageLoaded)

    let ending = try host { () throws(SystemCallError) in try Ending() }
    let serialLine = try host { () throws(SystemCallError) in try wiring.line(Layout.serialInterrupt) }
    let uart = UART16550(interrupt: serialLine, peer: console)
    let systemControlLine = try host { () throws(SystemCallError) in try wiring.line(Layout.systemControlInterrupt) }
    let power = ACPIPower(interrupt: systemControlLine, end: ending.latch)

    let ports = Bus([
      Layout.serial.claim(uart),
      Layout.keyboardController.claim(I8042(end: ending.latch)),
      Layout.clock.claim(makeClock(memory)),
      Layout.postCode.claim(PostCode(recorder: meter)),
      Layout.debugExit.claim(DebugExit(end: ending.latch)),
      Layout.panic.claim(ending.panicPort),
      Layout.power.claim(power),
      Layout.reset.claim(ResetControl(end: ending.latch)),
    ])
    let windows = Bus([Layout.bootTimer.claim(BootTimer(recorder: meter))] + virtioDevices.map(\.claim))

    let guest = BootstrapThread.Guest(
      entry: entry, wiring: wiring, ports: ports, windows: windows, ending: ending, throttle: throttle, meter: meter)
    return Machine(
      groundwork.bootstrap, guest, memory: memory, uart: uart, consoleLine: consoleLine, power: power,
      virtioDevices: virtioDevices.map(\.transport), balloon: virtioDevices.lazy.compactMap(\.balloon).first)
  }

  // MARK: Ingredients

  private func makeConsoleLine() throws(MachineError) -> ConsoleLine? {
    guard configuration.consoleDevice == .virtio else { return nil }
    return try host { () throws(SystemCallError) in try ConsoleLine(console) }
  }

  /// In the order in which guests find them.
  private func makeVirtioDevices(
    _ wiring: inout Wiring, _ memory: GuestMemory, _ consoleLine: ConsoleLine?, _ balloonBytes: UInt64
  ) throws(MachineError) -> [VirtioSlot] {
    var slots: [VirtioSlot] = []
    func add(_ device: sending any VirtioDevice, _ name: String) throws(MachineError) {
      do throws(SystemCallError) {
        slots.append(
          try VirtioSlot(
            device, named: name, at: VirtioPlace(slots.count), &wiring, memory: memory, log: logs.devices))
      } catch {
        throw .host(error)
      }
    }
    // Disks and cards are called as `rowhouse set` calls them.
    for index in 0..<disks.count { try add(makeBlock(index), "disk\(index)") }
    for index in configuration.networks.indices { try add(makeNetwork(index), "net\(index)") }
    if let consoleLine { try add(Console(consoleLine), "console") }
    if configuration.balloonBytes != nil {
      let control = try host { () throws(SystemCallError) in try BalloonControl() }
      control.targetPages = UInt32(balloonBytes / BalloonControl.pageBytes)
      try add(Balloon(control), "balloon")
      slots[slots.count - 1].balloon = MachineBalloon(control, slots[slots.count - 1].transport)
    }
    if configuration.hasEntropy { try add(Entropy(), "entropy") }
    return slots
  }

  private func makeBlock(_ index: Int) throws(MachineError) -> sending Block {
    let disk = configuration.disks[index]
    do throws(ImageError) {
      let image = try disks.open(index)
      let log = logs.devices
      let backend = DiskBackend(image, serial: Array((disk.serial ?? "").utf8)) {
        log.note("disk\(index)", .hostError, "\($0)")
      }
      let executor = try disk.executor(on: backend) {
        log.note("disk\(index)", .lack, "no io_uring, so one request is done after the other (\($0))")
      }
      return Block(
        executor, hasCache: !disk.isWriteThrough, meter: meter.disk(index), limiter: limiters[index])
    } catch {
      throw .disk(error)
    }
  }

  private func makeNetwork(_ index: Int) throws(MachineError) -> sending Network {
    let network = configuration.networks[index]
    let backend: any NetworkBackend
    var isListener = false
    do throws(SystemCallError) {
      switch network.end {
      case .tap(let name): backend = try TapBackend(named: name)
      case .socket(let path):
        let socket = try SocketBackend(at: path)
        isListener = socket.isListener
        backend = socket
      }
    } catch {
      throw .network(network.name, error)
    }
    return Network(
      backend, mac: network.address(host: HostIdentity.bytes, isListener: isListener), mtu: network.mtu,
      meter: meter.network(index), limiter: limiters[disks.count + index])
  }

  private func makeClock(_ memory: GuestMemory) -> CMOSClock {
    let (high, low) = memory.regions.reduce(into: (0 as UInt64, 0 as UInt64)) { bytes, region in
      let isBelow = region.range.start < GuestMemory.holeStart
      if isBelow { bytes.1 += region.range.count } else { bytes.0 += region.range.count }
    }
    return CMOSClock(lowMemory: low, highMemory: high)
  }
}

extension Layout.Ports {
  fileprivate func claim(_ device: any BusDevice) -> Bus.Claim { .init(UInt64(first), count: UInt64(count), device) }
}

extension Layout.Window {
  fileprivate func claim(_ device: any BusDevice) -> Bus.Claim { .init(first.rawValue, count: count, device) }
}

// Each room throws its own errors; here they become the machine's.

func kvm<Result>(_ body: () throws(KVMError) -> Result) throws(MachineError) -> Result {
  do throws(KVMError) { return try body() } catch { throw .kvm(error) }
}

private func boot<Result>(_ body: () throws(BootError) -> Result) throws(MachineError) -> Result {
  do throws(BootError) { return try body() } catch { throw .boot(error) }
}

func host<Result>(_ body: () throws(SystemCallError) -> Result) throws(MachineError) -> Result {
  do throws(SystemCallError) { return try body() } catch { throw .host(error) }
}
