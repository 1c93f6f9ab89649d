@testable import DiskImage

/// A disk beside the bytes that it should hold, and random requests that both get.
struct Model {
  var chance: Chance
  var bytes: [UInt8]

  private static let zeros = [UInt8](repeating: 0, count: 512)

  /// A request that changes a disk; offsets and counts in bytes.
  enum Request {
    case write(offset: Int, bytes: [UInt8])
    case zero(offset: Int, count: Int, keepingRoom: Bool)
    case discard(offset: Int, count: Int)
    case flush
  }

  init(seed: UInt64, size: Int, over base: [UInt8] = []) {
    chance = Chance(state: seed)
    bytes = Array(base.prefix(size))
    bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
  }

  /// Whole sectors, mostly few of them, anywhere on the disk.
  private mutating func range(_ largest: Int) -> (offset: Int, count: Int) {
    let sectors = bytes.count / 512
    let offset = chance.below(sectors)
    let most = chance.below(4) == 0 ? largest / 512 : 16
    return (offset * 512, min(sectors - offset, 1 + chance.below(most)) * 512)
  }

  mutating func next(largest: Int) -> Request {
    let (offset, count) = range(largest)
    switch chance.below(20) {
    case 0..<11:
      var bytes: [UInt8] = []
      for _ in 0..<count / 512 { bytes += [UInt8](repeating: UInt8(truncatingIfNeeded: chance.next()), count: 512) }
      return .write(offset: offset, bytes: bytes)
    case 11..<14: return .zero(offset: offset, count: count, keepingRoom: chance.below(2) == 0)
    case 14..<17: return .discard(offset: offset, count: count)
    default: return .flush
    }
  }

  /// Does a request to the disk and to the bytes. What a discard leaves behind is the disk's to say.
  mutating func apply(_ request: Request, to disk: Disk) throws {
    switch request {
    case .write(let offset, let new):
      try disk.write(new, at: offset)
      bytes.replaceSubrange(offset..<offset + new.count, with: new)
    case .zero(let offset, let count, let keepingRoom):
      try disk.zero(at: UInt64(offset), count: UInt64(count), keepingRoom: keepingRoom)
      bytes.replaceSubrange(offset..<offset + count, with: [UInt8](repeating: 0, count: count))
    case .discard(let offset, let count):
      try disk.discard(at: UInt64(offset), count: UInt64(count))
      let now = try disk.read(count, at: offset)
      for sector in stride(from: 0, to: count, by: 512) {
        let left = now[sector..<sector + 512]
        guard left == bytes[offset + sector..<offset + sector + 512] || left == Model.zeros[...] else {
          throw ToolFailed(description: "a discard at \(offset) left what was never at \(offset + sector)")
        }
      }
      bytes.replaceSubrange(offset..<offset + count, with: now)
    case .flush:
      try disk.flush()
    }
  }
}
