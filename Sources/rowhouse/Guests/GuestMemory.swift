import Control

/// What a guest's kernel says of its memory: it knows what of it is free, which the host cannot see.
struct GuestMemory: Encodable {
  let freeBytes: UInt64?
  /// What programs could have without swapping.
  let availableBytes: UInt64?
  let cachesBytes: UInt64?
  /// All that the kernel manages, so less than the guest has.
  let totalBytes: UInt64?
  let swappedInBytes: UInt64?
  let swappedOutBytes: UInt64?
  let majorFaults: UInt64?
  let minorFaults: UInt64?
  let hugePageAllocations: UInt64?
  let hugePageFailures: UInt64?

  init(_ report: MemoryReport) {
    freeBytes = report[.free]
    availableBytes = report[.available]
    cachesBytes = report[.caches]
    totalBytes = report[.total]
    swappedInBytes = report[.swappedIn]
    swappedOutBytes = report[.swappedOut]
    majorFaults = report[.majorFaults]
    minorFaults = report[.minorFaults]
    hugePageAllocations = report[.hugePageAllocations]
    hugePageFailures = report[.hugePageFailures]
  }

  /// "90.1 MiB free, 118 MiB available, 20.0 MiB caches, 241 MiB in all"; nil when there is nothing of that.
  var text: String? {
    let figures = [(freeBytes, "free"), (availableBytes, "available"), (cachesBytes, "caches"), (totalBytes, "in all")]
    let said = figures.compactMap { bytes, name in bytes.map { "\(HumanQuantity.bytes($0)) \(name)" } }
    return said.isEmpty ? nil : said.joined(separator: ", ")
  }
}
