import GuestMemory

/// Guest RAM while it is being filled: what lies where, so that no two parts of a boot meet.
struct GuestSpace {
  let memory: GuestMemory
  private var claims: [(what: String, range: GuestRange)]

  /// - Parameter reservesLayout: whether the areas of ``BootLayout`` count as taken.
  init(_ memory: GuestMemory, reservesLayout: Bool = true) {
    self.memory = memory
    claims = reservesLayout ? BootLayout.all.map { ("the \($0.name)", $0.range) } : []
  }

  /// Where the RAM below 4 GiB ends.
  var lowEnd: UInt64 { memory.regions[0].range.end.rawValue }

  /// Takes a range for a part of the image in `file`.
  ///
  /// - Returns: the range.
  /// - Throws: ``BootError`` when it wraps around, is not all RAM, or is taken already.
  @discardableResult
  mutating func claim(
    _ what: String, at start: GuestAddress, count: UInt64, of file: ImageFile
  ) throws(BootError) -> GuestRange {
    guard let range = GuestRange(start: start, count: count),
      memory.regions.contains(where: { $0.range.contains(range) })
    else {
      throw BootError(file.path, .outsideMemory(what, start: start, count: count, memory: memory.bytes))
    }
    if let other = claims.first(where: { $0.range.overlaps(range) }) {
      throw BootError(file.path, .overlap(what, range, with: other.what, other.range))
    }
    claims.append((what, range))
    return range
  }

  /// Takes the highest free pages below `ceiling` (and below the hole) that lie above 1 MiB.
  mutating func claimHigh(
    _ what: String, count: UInt64, below ceiling: UInt64, of file: ImageFile
  ) throws(BootError) -> GuestRange {
    var end = min(ceiling, lowEnd)
    while end >= count, end - count >= BootLayout.oneMiB.rawValue {
      let start = (end - count) & ~(Self.page - 1)
      guard start >= BootLayout.oneMiB.rawValue, let range = GuestRange(start: GuestAddress(start), count: count)
      else { break }
      guard let obstacle = claims.first(where: { $0.range.overlaps(range) }) else {
        return try claim(what, at: range.start, count: count, of: file)
      }
      end = obstacle.range.start.rawValue
    }
    throw BootError(file.path, .noRoom(what, count: count, memory: memory.bytes))
  }

  /// A free range below the hole, by chance: each place is as likely as any other.
  ///
  /// - Parameters:
  ///   - start: the lowest place.
  ///   - alignment: how far the places are from each other, in bytes.
  /// - Returns: nil when there is none.
  func anyRange(count: UInt64, from start: GuestAddress, alignment: UInt64) -> GuestRange? {
    var ranges: [GuestRange] = []
    var address = start.rawValue
    while address <= lowEnd, count <= lowEnd - address {
      if let range = GuestRange(start: GuestAddress(address), count: count),
        !claims.contains(where: { $0.range.overlaps(range) })
      {
        ranges.append(range)
      }
      address += alignment
    }
    return ranges.randomElement()
  }

  /// Takes the first free pages behind everything that lies above 1 MiB and below the hole.
  mutating func claimBehind(_ what: String, count: UInt64, of file: ImageFile) throws(BootError) -> GuestRange {
    var used = BootLayout.oneMiB.rawValue
    for claim in claims where claim.range.start.rawValue < lowEnd { used = max(used, claim.range.end.rawValue) }
    let start = (used + Self.page - 1) & ~(Self.page - 1)
    guard start <= lowEnd, count <= lowEnd - start else {
      throw BootError(file.path, .noRoom(what, count: count, memory: memory.bytes))
    }
    return try claim(what, at: GuestAddress(start), count: count, of: file)
  }

  private static let page: UInt64 = 4096
}
