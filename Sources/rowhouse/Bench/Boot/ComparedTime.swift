/// A time that is taken in the same way of every VMM, and so compared. The raw values are the names in results.json.
enum ComparedTime: String, CaseIterable {
  case firstByte = "first_byte"
  case initReached = "init"
  /// From the kernel's first instruction to its first program: without what a VMM and its firmware do before.
  case kernelToInit = "kernel_to_init"
  case marker
  case exit

  /// In nanoseconds; nil when the run did not come that far, or nobody saw it.
  func of(_ run: BootRun) -> UInt64? {
    switch self {
    case .firstByte: return run[.firstByte]
    case .initReached: return run[.initReached]
    case .kernelToInit:
      guard let entered = run[.kernelEntered], let reached = run[.initReached], reached >= entered else { return nil }
      return reached - entered
    case .marker: return run[.marker]
    case .exit: return run[.exit]
    }
  }

  /// Whether it may be compared between contestants whose `init` is told by these; nil: by none, or it was not written
  /// down yet.
  func isAlike(_ one: InitSource?, _ other: InitSource?) -> Bool {
    self != .initReached && self != .kernelToInit || one == other
  }

  /// "From start to end".
  var title: String {
    switch self {
    case .firstByte: "From start to the first console byte"
    case .initReached: "From start to init"
    case .kernelToInit: "From kernel entry to init"
    case .marker: "From start to the marker"
    case .exit: "From start to end"
    }
  }
}
