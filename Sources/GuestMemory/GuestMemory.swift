import Glibc
import Host

/// Where the bytes of guest memory come from.
package enum MemoryBacking: Sendable {
  /// Private memory of this process.
  case anonymous
  /// A memfd: memory that can be handed to another process by its descriptor.
  case memfd
}

/// A guest's RAM: one or two regions of its physical address space.
///
/// A host pointer never leaves this type. vCPUs write to the memory while it is read here, so there are no references
/// into it either: bytes are copied in and out, and what is copied is then checked and used (see `GuestMemory+Access`).
package final class GuestMemory: Sendable {
  /// RAM ends here, and goes on at 4 GiB, so that devices have addresses that 32-bit code can reach.
  package static let holeStart = GuestAddress(0xc000_0000)
  package static let holeEnd = GuestAddress(0x1_0000_0000)

  /// A stretch of RAM that is contiguous for guest and host.
  package struct Region: Sendable {
    package let range: GuestRange
    /// The address in this process, as a number: for KVM's memory slots and for nothing else.
    package let hostAddress: UInt
    fileprivate let owner: MappingOwner
  }

  private let low: Region
  /// Empty, at the end of the hole, when all RAM lies below it: so the gate needs no case for "none".
  private let high: Region

  /// Takes `bytes` of address space; the host's pages follow when the guest touches them.
  ///
  /// - Parameter bytes: the RAM's size, a multiple of 4 KiB, above 0; up to 3 GiB lie below the hole, the rest above 4
  ///   GiB.
  package init(bytes: UInt64, backing: MemoryBacking = .anonymous) throws(SystemCallError) {
    let lowBytes = min(bytes, Self.holeStart.rawValue)
    low = try Region(start: GuestAddress(0), bytes: lowBytes, backing: backing)
    high = try bytes > lowBytes
      ? Region(start: Self.holeEnd, bytes: bytes - lowBytes, backing: backing) : Region(emptyIn: low)
  }

  /// The size of all RAM in bytes.
  package var bytes: UInt64 { low.range.count + high.range.count }

  /// The RAM's one or two regions, in ascending order.
  package var regions: [Region] {
    var regions: [Region] = []
    forEachRegion { regions.append($0) }
    return regions
  }

  /// Does the same for each of ``regions``, without an array of them.
  package func forEachRegion<Failure>(_ body: (Region) throws(Failure) -> Void) throws(Failure) {
    try body(low)
    if high.range.count > 0 { try body(high) }
  }

  /// Whether every byte of `range` is RAM, in one piece for the host.
  package func contains(_ range: GuestRange) -> Bool { low.range.contains(range) || high.range.contains(range) }

  /// The one gate: where `count` bytes at `address` are in this process.
  ///
  /// Address and length are checked together, the last byte included, and without overflow. A range must lie in one
  /// region: the hole parts the two, so no valid range spans them.
  ///
  /// - Throws: ``GuestMemoryError`` when any byte is not RAM.
  @inline(__always)
  func host(_ address: GuestAddress, count: Int) throws(GuestMemoryError) -> UnsafeMutableRawPointer {
    // SAFETY: each region answers only for what it holds.
    if let pointer = unsafe low.host(address, count: count) { return unsafe pointer }
    if let pointer = unsafe high.host(address, count: count) { return unsafe pointer }
    throw .notRAM(address, count: count)
  }
}

/// Keeps a mapping for as long as any copy of its region lives.
fileprivate final class MappingOwner: Sendable {
  let mapping: Mapping
  let backing: MemoryBacking

  init(_ mapping: consuming Mapping, _ backing: MemoryBacking) {
    self.mapping = mapping
    self.backing = backing
  }
}

extension GuestMemory.Region {
  fileprivate init(start: GuestAddress, bytes: UInt64, backing: MemoryBacking) throws(SystemCallError) {
    guard let range = GuestRange(start: start, count: bytes), let count = Int(exactly: bytes), count > 0 else {
      throw SystemCallError("mmap", .invalidArgument)
    }
    self.range = range
    switch backing {
    case .anonymous:
      owner = MappingOwner(try Self.mapInHugePages(count), backing)
    case .memfd:
      let memory = try Descriptor.memory(named: "guest-memory")
      try memory.truncate(to: Int64(count))
      owner = MappingOwner(try .file(memory, count: count), backing)
    }
    // SAFETY: only the number is kept; the owner keeps what it stands for.
    hostAddress = UInt(bitPattern: unsafe owner.mapping.base)
  }

  /// The size of the pages that CPU and KVM map with one entry of the second level of the page tables.
  private static let hugePageBytes = 2 << 20

  /// Memory that KVM can map in huge pages: it does that where guest and host address agree modulo the page's size. A
  /// kernel that starts touches tens of thousands of small pages, and each is an exit.
  ///
  /// The first two MiB stay as the host has it: a guest that never leaves them is a small one, and shall cost little.
  private static func mapInHugePages(_ count: Int) throws(SystemCallError) -> Mapping {
    guard count > hugePageBytes else { return try .anonymous(count) }
    let mapping = try Mapping.anonymous(count, alignment: hugePageBytes)
    // A kernel that was built without them refuses; then pages are small.
    try? mapping.advise(MADV_HUGEPAGE, hugePageBytes..<count)
    return mapping
  }

  fileprivate init(emptyIn other: GuestMemory.Region) {
    range = GuestRange(start: GuestMemory.holeEnd, count: 0)!
    hostAddress = other.hostAddress
    owner = other.owner
  }

  /// See ``GuestMemory/discard(_:)``; the range was checked.
  func discard(_ range: GuestRange) throws(SystemCallError) {
    let advice =
      switch owner.backing {
      case .anonymous: MADV_DONTNEED
      // MADV_DONTNEED would only forget where the pages are: the file keeps them until a hole is punched into it.
      case .memfd: MADV_REMOVE
      }
    let offset = Int(range.start.rawValue - self.range.start.rawValue)
    try owner.mapping.advise(advice, offset..<offset + Int(range.count))
  }

  /// Where `count` bytes at `address` are in this process, nil when this region does not hold them all.
  @inline(__always)
  func host(_ address: GuestAddress, count: Int) -> UnsafeMutableRawPointer? {
    guard address >= range.start, count >= 0 else { return nil }
    let offset = address.rawValue - range.start.rawValue
    guard offset <= range.count, UInt64(count) <= range.count - offset else { return nil }
    // SAFETY: offset + count is at most the mapping's size, as just checked; a region's mapping is never at address 0.
    return unsafe UnsafeMutableRawPointer(bitPattern: hostAddress + UInt(offset))
  }
}

/// What can be wrong with an access to guest memory.
package enum GuestMemoryError: Error, Equatable, Sendable {
  /// Not every byte of `count` at the address is RAM.
  case notRAM(GuestAddress, count: Int)
  /// A word that is to be read or written in one piece does not lie at a multiple of its size.
  case misaligned(GuestAddress)
  /// The host could not read the file that was to be put there.
  case host(SystemCallError)
  /// The file ended `missing` bytes too early.
  case fileEnded(missing: Int)
}

extension GuestMemoryError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notRAM(let address, let count): "\(count) bytes at \(address) are not all guest memory"
    case .misaligned(let address): "\(address) is not aligned"
    case .host(let error): "\(error)"
    case .fileEnded(let missing): "the file ends \(missing) bytes too early"
    }
  }
}
