import Boot
import GuestMemory
import Host
import KVM
import Metering

/// Everything that makes a guest: a plain value, which `rowhouse` fills from its command line and `rowhouse-vmm` from
/// its arguments.
package struct Configuration: Equatable, Sendable {
  /// A file that the boot loader hands to the guest, and the text that goes with it.
  package struct Module: Equatable, Sendable {
    package var path: String
    package var text: String

    package init(path: String, text: String = "") {
      self.path = path
      self.text = text
    }
  }

  /// Where the guest's console ends on the host.
  package enum Console: Equatable, Sendable {
    /// The program's standard input and output.
    case standard
    /// Nowhere.
    case none
    /// A file, for output only.
    case file(String)
    /// A pseudo-terminal that is made for it.
    case pseudoTerminal
    /// A port that programs of this machine connect to.
    case tcp(LoopbackAddress)
  }

  /// By which device the guest is typed to; what it says by any is shown.
  package enum ConsoleDevice: String, CaseIterable, Sendable {
    /// The serial port.
    case serial
    /// A virtio console, which guests without it do not have.
    case virtio
  }

  package enum OnReset: String, CaseIterable, Sendable {
    /// The guest has ended.
    case exit
    /// The guest starts again, from its kernel's first instruction.
    case reset
  }

  package var kernel = ""
  /// The file that is booted in the kernel's place: what was unpacked of it. Messages name the kernel.
  package var unpackedKernel: String?
  /// Nil: found by looking at the file.
  package var bootProtocol: BootProtocol?
  /// Where a flat binary is put, and where it starts; nil: as `Boot` has it.
  package var loadAddress: GuestAddress?
  package var entry: GuestAddress?
  package var initrd: String?
  package var modules: [Module] = []
  /// Nil: a default for Linux, nothing for others.
  package var commandLine: String?
  package var cpuCount = 1
  package var cpuAllotment = CPUAllotment()
  /// The folder of the host's cgroup v2 that the VMM runs in; nil: where it was started, and it keeps its quota itself.
  package var controlGroup: String?
  package var memoryBytes: UInt64 = 256 << 20
  /// Names as in ``CPUFeature``.
  package var hiddenFeatures: [CPUFeature] = []
  package var console = Console.standard
  package var consoleDevice = ConsoleDevice.serial
  /// In the order in which the guest finds them.
  package var disks: [DiskConfiguration] = []
  /// In the order in which the guest finds them.
  package var networks: [NetworkConfiguration] = []
  /// What of the guest and its VMM may be in the host's memory, in bytes; its balloon takes what is more. Nil: no
  /// limit.
  package var memoryLimitBytes: UInt64?
  /// Memory that the guest shall give back to the host, in bytes, a multiple of 4 KiB; with nil it has no balloon, with
  /// 0 it only reports what is free.
  package var balloonBytes: UInt64?
  /// Whether the guest gets random numbers from the host (virtio-rng).
  package var hasEntropy = false
  /// From the guest's first instruction, in nanoseconds; nil: no limit.
  package var timeoutNanoseconds: UInt64?
  package var onReset = OnReset.exit
  /// The file that the meter is put in; nil: nobody reads it.
  package var meter: String?
  /// The file that says in the end what the guest's exits cost (``ProfileFile``); nil: it is not counted.
  package var exitProfile: String?
  /// The guest's folder, which must be there: its sockets are made in it, and its meter, unless that has a place of its
  /// own. Nil: nobody can find the guest.
  package var folder: String?
  /// The size of each of the two files that keep what the guest says, in its folder; nil: it is not kept.
  package var consoleLogBytes: UInt64?
  /// Whether the guest goes on without the program that started it, and without its terminal: what the VMM has to say
  /// once the guest runs goes to `vmm.log` in the folder.
  package var isDetached = false
  /// Whether the VMM ends when the program that started it does.
  package var endsWithParent = false

  package init() {}

  /// What there is to meter.
  package var meterShape: MeterShape {
    MeterShape(cpuCount: cpuCount, diskCount: disks.count, networkCount: networks.count)
  }
}

extension Configuration {
  package static let memoryLimits: ClosedRange<UInt64> = 1 << 20...1 << 42
  package static let pageBytes: UInt64 = 4096
  package static let leastMemoryLimit: UInt64 = 16 << 20

  /// Checks everything that can be known without the host and without opening a file.
  package func check() throws(ConfigurationError) {
    guard !kernel.isEmpty else { throw ConfigurationError("--kernel", "a kernel's file is needed") }
    if initrd == "" { throw ConfigurationError("--initrd", "a file's path is needed") }
    if modules.contains(where: { $0.path.isEmpty }) { throw ConfigurationError("--module", "a file's path is needed") }
    let others = [hasEntropy, balloonBytes != nil, consoleDevice == .virtio].count { $0 }
    let devices = disks.count + networks.count + others
    guard devices <= VirtioPlace.count else {
      throw ConfigurationError(
        "--disk", "a guest has room for \(VirtioPlace.count) virtio devices, these are \(devices)")
    }
    if let balloonBytes {
      let option = "--balloon \(ByteSize.format(balloonBytes))"
      guard balloonBytes.isMultiple(of: Self.pageBytes), balloonBytes < memoryBytes else {
        throw ConfigurationError(option, "give a multiple of 4K that is less than the guest's memory")
      }
    }
    if let memoryLimitBytes {
      let option = "--memory-max \(ByteSize.format(memoryLimitBytes))"
      guard balloonBytes != nil else {
        throw ConfigurationError(option, "the guest's balloon takes what is more; give it one: --balloon 0M")
      }
      guard memoryLimitBytes >= Self.leastMemoryLimit else {
        let least = ByteSize.format(Self.leastMemoryLimit)
        throw ConfigurationError(option, "the least is \(least): the VMM needs some itself")
      }
    }
    guard cpuCount >= 1 else { throw ConfigurationError("--cpus \(cpuCount)", "a guest has at least one CPU") }
    try cpuAllotment.check(cpuCount: cpuCount)
    if let weight = cpuAllotment.weight, controlGroup == nil {
      throw ConfigurationError("--cpu-weight \(weight)", "it is the host's to keep: it goes with --cgroup")
    }
    let memory = "--memory \(ByteSize.format(memoryBytes))"
    guard memoryBytes.isMultiple(of: Self.pageBytes) else {
      throw ConfigurationError(memory, "memory comes in pages of 4K: give a multiple of that")
    }
    guard memoryBytes >= Self.memoryLimits.lowerBound else {
      throw ConfigurationError(memory, "a guest needs at least 1M")
    }
    guard memoryBytes <= Self.memoryLimits.upperBound else {
      throw ConfigurationError(memory, "a guest has at most 4T")
    }
    if bootProtocol != .flat, loadAddress != nil || entry != nil {
      let option = loadAddress != nil ? "--load-address" : "--entry"
      throw ConfigurationError(option, "only a flat binary is told its address: it goes with --boot flat")
    }
    if let consoleLogBytes, folder == nil || consoleLogBytes < Self.pageBytes {
      let option = "--console-log \(ByteSize.format(consoleLogBytes))"
      throw ConfigurationError(option, folder == nil ? "the log lies in a --folder" : "give a size of at least 4K")
    }
    if isDetached, folder == nil { throw ConfigurationError("--detach yes", "a detached guest needs a --folder") }
    if timeoutNanoseconds == 0 { throw ConfigurationError("--timeout 0", "give a time above 0 in seconds") }
  }
}
