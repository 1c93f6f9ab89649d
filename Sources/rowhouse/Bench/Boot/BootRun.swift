/// What was measured of one start of a VMM.
struct BootRun: Codable {
  /// By ``BootMoment``; nanoseconds since just before the VMM was started.
  var momentsNanoseconds: [String: UInt64] = [:]
  /// CPU time of the VMM's processes, guest code among the system's.
  var userNanoseconds: UInt64 = 0
  var systemNanoseconds: UInt64 = 0
  /// The part of it that was guest code, in whole ticks of the kernel's clock (``GuestTime``).
  var guestNanoseconds: UInt64?
  var minorFaults: UInt64 = 0
  var majorFaults: UInt64 = 0
  /// The most that was resident, the guest's memory with it; nil: less than this program's own, and so not known.
  var peakResidentBytes: UInt64?

  subscript(moment: BootMoment) -> UInt64? {
    get { momentsNanoseconds[moment.rawValue] }
    set { momentsNanoseconds[moment.rawValue] = newValue }
  }
}
