import Metering

/// A request to a block device (virtio 1.2, 5.2.6), understood and checked: what is left is to do it.
package enum BlockRequest: Equatable, Sendable {
  /// Offsets and counts are in bytes, multiples of 512, inside the disk.
  case read(at: UInt64, count: UInt64)
  /// - isDurable: to be on stable storage before it is answered.
  case write(at: UInt64, count: UInt64, isDurable: Bool)
  case flush
  /// The disk's name, 20 bytes.
  case identify
  case discard(at: UInt64, count: UInt64)
  /// - mayUnmap: the disk may drop the blocks, as long as they read as zeros.
  case writeZeroes(at: UInt64, count: UInt64, mayUnmap: Bool, isDurable: Bool)
  /// It can only be answered. It would have gone that way, if one is known.
  case refused(BlockStatus, FlowDirection?)
}

/// The last byte of every request.
package enum BlockStatus: UInt8, Sendable {
  case ok = 0
  /// The device or the driver made a mistake.
  case ioError = 1
  case unsupported = 2
}

extension BlockRequest {
  /// Which way how many bytes go; nil when the request moves none.
  var flow: (direction: FlowDirection, bytes: UInt64)? {
    switch self {
    case .read(_, let bytes): (.toGuest, bytes)
    case .write(_, let bytes, _): (.fromGuest, bytes)
    case .flush, .identify, .discard, .writeZeroes, .refused: nil
    }
  }

  /// Which way it goes, or would have gone, in the disk's meter: what changes the disk comes from the guest.
  var direction: FlowDirection? {
    switch self {
    case .read: .toGuest
    case .write, .flush, .discard, .writeZeroes: .fromGuest
    case .identify: nil
    case .refused(_, let direction): direction
    }
  }

  /// Whether it empties blocks. The calling thread does that itself, and it may take some milliseconds.
  var isClearing: Bool {
    switch self {
    case .discard, .writeZeroes: true
    case .read, .write, .flush, .identify, .refused: false
    }
  }

  /// What the request counts as to the limits of a disk; nil when it asks nothing of that.
  ///
  /// A flush, and a discard, are work for the host's disk too, and so is each write of zeros, however few bytes say so.
  /// One that must keep its room counts with all its zeros, another with those that the disk may have to write.
  func cost(to disk: any BlockBackend) -> (direction: FlowDirection, bytes: UInt64)? {
    switch self {
    case .read, .write: flow
    case .flush, .discard: (.fromGuest, 0)
    case .writeZeroes(let offset, let bytes, let mayUnmap, _):
      (.fromGuest, mayUnmap ? disk.bytesToZero(at: offset, count: bytes) : bytes)
    case .identify, .refused: nil
    }
  }

  static let headerBytes: UInt64 = 16
  static let sectorBytes: UInt64 = 512
  static let identityBytes: UInt64 = 20

  /// What a request is held against.
  struct Rules {
    var capacity: UInt64
    var isReadOnly: Bool
    /// Every write is to be durable: the driver cannot flush, or does not want to (5.2.6.2).
    var isWriteThrough: Bool
  }

  /// Reads a request's header, and all else that it says about itself, once.
  ///
  /// - Throws: ``VirtioFault/malformedRequest`` when there is not even a byte for a status. Everything else is answered.
  init(parsing chain: DescriptorChain, _ rules: Rules) throws(VirtioFault) {
    guard chain.writableBytes > 0 else { throw .malformedRequest }
    guard chain.readableBytes >= Self.headerBytes else {
      self = .refused(.ioError, nil)
      return
    }
    let sector = try chain.load(at: 8, as: UInt64.self)
    // What goes to the device after the header, and what comes from it before the status.
    let input = chain.readableBytes - Self.headerBytes
    let output = chain.writableBytes - 1
    switch try chain.load(at: 0, as: UInt32.self) {
    case 0:
      self =
        if input == 0, let offset = Self.range(sector, output, rules) { .read(at: offset, count: output) }
        else { .refused(.ioError, .toGuest) }
    case 1:
      self =
        if output == 0, !rules.isReadOnly, let offset = Self.range(sector, input, rules) {
          .write(at: offset, count: input, isDurable: rules.isWriteThrough)
        } else {
          .refused(.ioError, .fromGuest)
        }
    case 4: self = .flush
    case 8: self = output >= Self.identityBytes ? .identify : .refused(.ioError, nil)
    case 11: self = try Self.segment(chain, input, rules, mayHaveUnmap: false)
    case 13: self = try Self.segment(chain, input, rules, mayHaveUnmap: true)
    default: self = .refused(.unsupported, nil)
    }
  }

  /// Where `count` bytes from a sector on are, nil when they are none, no whole sectors, not on the disk, or more than
  /// the driver was told to ask for (size_max and seg_max, 5.2.4).
  private static func range(_ sector: UInt64, _ count: UInt64, _ rules: Rules) -> UInt64? {
    let (offset, overflow) = sector.multipliedReportingOverflow(by: sectorBytes)
    guard !overflow, count > 0, count.isMultiple(of: sectorBytes), count <= Block.mostRequestBytes,
      offset <= rules.capacity, count <= rules.capacity - offset
    else { return nil }
    return offset
  }

  /// The one segment of a discard or write-zeroes request: le64 sector, le32 num_sectors, le32 flags.
  private static func segment(
    _ chain: DescriptorChain, _ input: UInt64, _ rules: Rules, mayHaveUnmap: Bool
  ) throws(VirtioFault) -> BlockRequest {
    // One is what max_discard_seg and max_write_zeroes_seg allow.
    guard input == 16 else { return .refused(.ioError, .fromGuest) }
    let sector = try chain.load(at: headerBytes, as: UInt64.self)
    let count = UInt64(try chain.load(at: headerBytes + 8, as: UInt32.self)) * sectorBytes
    let flags = try chain.load(at: headerBytes + 12, as: UInt32.self)
    // Bits that this device does not know, and unmap where it has no place (5.2.6.2).
    guard flags & ~(mayHaveUnmap ? 1 : 0) == 0 else { return .refused(.unsupported, .fromGuest) }
    guard !rules.isReadOnly, count <= Block.mostSectorsAtOnce * sectorBytes, let offset = range(sector, count, rules)
    else { return .refused(.ioError, .fromGuest) }
    return mayHaveUnmap
      ? .writeZeroes(at: offset, count: count, mayUnmap: flags & 1 != 0, isDurable: rules.isWriteThrough)
      : .discard(at: offset, count: count)
  }
}
