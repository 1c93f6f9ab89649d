import Metering

/// What was measured of one start of a VMM.
struct BootRun: Codable {
  /// By ``BootMoment``; nanoseconds since just before the VMM was started.
  var momentsNanoseconds: [String: UInt64] = [:]
  /// When each ``InitSource`` told that init was reached, one of which is the moment `init`; nil: none did, or it was
  /// not written down yet.
  var initNanoseconds: [String: UInt64]?
  /// CPU time of the VMM's processes. The sum of the two is exact; the kernel divides it by ticks of its clock.
  var userNanoseconds: UInt64 = 0
  var systemNanoseconds: UInt64 = 0
  /// The part of the user's time in which a CPU ran guest code, in whole ticks of the kernel's clock (``GuestTime``).
  var guestNanoseconds: UInt64?
  /// CPU time of the threads of the guest's CPUs, guest code with it, and of the VMM's others, exactly; nil: only
  /// `rowhouse-vmm` tells it, when it ends by itself.
  var vcpuNanoseconds: UInt64?
  var deviceNanoseconds: UInt64?
  var minorFaults: UInt64 = 0
  var majorFaults: UInt64 = 0
  /// The most that was resident of the largest process, the guest's memory with it; nil: less than this program's own,
  /// and so not known.
  var peakResidentBytes: UInt64?

  /// Takes away what came after a moment, when that was reached. The first byte and the line of init stay: they have
  /// their time by their reading here, which may come after a mark that the guest set later.
  mutating func forget(after last: BootMoment) {
    if let end = self[last] { forget(afterNanoseconds: end) }
  }

  mutating func forget(afterNanoseconds end: UInt64) {
    let firstByte = self[.firstByte]
    momentsNanoseconds = momentsNanoseconds.filter { $0.value <= end }
    self[.firstByte] = firstByte
    initNanoseconds = initNanoseconds?.filter { $0.value <= end || $0.key == InitSource.line.rawValue }
  }

  /// Makes what one of the sources told the moment `init`; nil: there is none.
  mutating func tellInit(by source: InitSource?) {
    if let source { self[.initReached] = self[initBy: source] }
  }

  /// Both parts of the CPU time.
  var cpuNanoseconds: UInt64 { userNanoseconds.saturatingAdd(systemNanoseconds) }
  /// Of both kinds.
  var pageFaults: UInt64 { minorFaults.saturatingAdd(majorFaults) }

  subscript(moment: BootMoment) -> UInt64? {
    get { momentsNanoseconds[moment.rawValue] }
    set { momentsNanoseconds[moment.rawValue] = newValue }
  }

  subscript(initBy source: InitSource) -> UInt64? {
    get { initNanoseconds?[source.rawValue] }
    set {
      var all = initNanoseconds ?? [:]
      all[source.rawValue] = newValue
      initNanoseconds = all
    }
  }
}
