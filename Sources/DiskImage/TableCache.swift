import Host

/// A bounded cache of slices of an image's tables, which stay big-endian as they are in the file.
///
/// Memory is taken from the host only for slices that are used. What is changed here reaches the file by
/// ``writeBack()``: the order in which tables get there is what keeps an image whole (see
/// `Qcow2+Flush.swift`), so a changed slice is never thrown out to make room.
final class TableCache {
  private let file: DiskFile
  private let memory: Mapping
  /// In bytes. A slice is as small as the smallest cluster, so that one is never more than one table, and so that
  /// writes all over a disk change many of them before there is no room for more and a flush has to be made.
  private static let sliceSize = 512
  /// How many 64-bit entries a slice holds.
  static let sliceEntries: UInt64 = 64
  private let setBits: Int
  private static let ways = 8

  /// What a place of the cache holds; the places of a set are neighbours.
  private struct Place {
    /// The slice's offset in the file; none when the place is empty.
    var offset = UInt64.max
    /// When it was last used, by the cache's own count.
    var used: UInt64 = 0
    /// The changed bytes, from the slice's start.
    var changed: Range<Int>?
  }

  private var places: [Place]
  private var uses: UInt64 = 0
  private(set) var isChanged = false
  /// The place that was used last: most requests stay within one slice.
  private var latest = 0

  /// - Parameter kibibytes: the size of the cache, a power of two.
  init(_ file: DiskFile, kibibytes: Int) throws(ImageError) {
    self.file = file
    let count = kibibytes * 1024 / TableCache.sliceSize
    setBits = (count / TableCache.ways).trailingZeroBitCount
    places = Array(repeating: Place(), count: count)
    memory = try host(file.path) { () throws(SystemCallError) in
      try Mapping.anonymous(count * TableCache.sliceSize)
    }
  }

  /// The places where the slice may be. Tables start at multiples of large powers of two: the hash spreads
  /// them.
  private func set(of slice: UInt64) -> Range<Int> {
    let hash = (slice / UInt64(TableCache.sliceSize)) &* 0x9e37_79b9_7f4a_7c15
    let first = Int(truncatingIfNeeded: hash >> UInt64(64 - setBits)) * TableCache.ways
    return first..<first + TableCache.ways
  }

  private func slice(of offset: UInt64) -> UInt64 { offset & ~UInt64(TableCache.sliceSize - 1) }
  private static func within(_ offset: UInt64) -> Int { Int(offset & UInt64(sliceSize - 1)) }

  private func find(_ slice: UInt64) -> Int? {
    if places[latest].offset == slice { return latest }
    for place in set(of: slice) where places[place].offset == slice { return place }
    return nil
  }

  /// Whether the entry at `offset` can be read or changed without writing anything back first.
  func hasRoom(for offset: UInt64) -> Bool {
    guard isChanged else { return true }
    let slice = slice(of: offset)
    return find(slice) != nil || set(of: slice).contains { places[$0].changed == nil }
  }

  /// The place of the slice that holds `offset`, read from the file when it was in none. There must be room
  /// for it.
  private func place(for offset: UInt64) throws(ImageError) -> Int {
    let slice = slice(of: offset)
    uses += 1
    let place: Int
    if let found = find(slice) {
      place = found
    } else {
      let unchanged = set(of: slice).filter { places[$0].changed == nil }
      guard let oldest = unchanged.min(by: { places[$0].used < places[$1].used }) else {
        preconditionFailure("no room was made in the cache")
      }
      place = oldest
      places[place].offset = .max
      // SAFETY: the buffer is the place's own part of the cache's memory.
      unsafe try file.read(into: bytes(of: place), at: slice)
      places[place].offset = slice
    }
    places[place].used = uses
    latest = place
    return place
  }

  private func bytes(of place: Int) -> UnsafeMutableRawBufferPointer {
    precondition(place < places.count)
    // SAFETY: the memory has `sliceSize` bytes for every place.
    return unsafe UnsafeMutableRawBufferPointer(
      start: memory.base + place * TableCache.sliceSize, count: TableCache.sliceSize)
  }

  // MARK: Entries

  /// The 64-bit entry at a place in the file that is a multiple of 8.
  func entry(at offset: UInt64) throws(ImageError) -> UInt64 {
    let place = try place(for: offset)
    // SAFETY: the load is checked against the place's bytes, and any bytes are a valid integer.
    return unsafe UInt64(
      bigEndian: bytes(of: place).load(fromByteOffset: TableCache.within(offset), as: UInt64.self))
  }

  /// The integer of `bytes` bytes, 1, 2, 4 or 8, at a place in the file that is a multiple of them.
  func value(at offset: UInt64, bytes count: Int) throws(ImageError) -> UInt64 {
    let place = try place(for: offset)
    let within = TableCache.within(offset)
    var value: UInt64 = 0
    // SAFETY: the subscript checks that each byte lies in the place's bytes.
    for index in within..<within + count { value = unsafe value << 8 | UInt64(bytes(of: place)[index]) }
    return value
  }

  func setValue(_ value: UInt64, at offset: UInt64, bytes count: Int = 8) throws(ImageError) {
    let place = try place(for: offset)
    let within = TableCache.within(offset)
    for index in 0..<count {
      // SAFETY: as for `value`.
      unsafe bytes(of: place)[within + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - index)))
    }
    note(within..<within + count, at: place)
  }

  private func note(_ range: Range<Int>, at place: Int) {
    isChanged = true
    guard let changed = places[place].changed else { return places[place].changed = range }
    places[place].changed =
      min(changed.lowerBound, range.lowerBound)..<max(changed.upperBound, range.upperBound)
  }

  // MARK: The file

  /// Writes all changes to the file, in no particular order.
  func writeBack() throws(ImageError) {
    guard isChanged else { return }
    for place in places.indices {
      guard let changed = places[place].changed else { continue }
      let offset = places[place].offset + UInt64(changed.lowerBound)
      // SAFETY: the changed range lies inside the place's bytes.
      unsafe try file.write(UnsafeRawBufferPointer(rebasing: bytes(of: place)[changed]), at: offset)
      places[place].changed = nil
    }
    isChanged = false
  }

  /// Forgets what was read from a cluster that is written anew past this cache; it must have no changes here.
  func forget(_ range: Range<UInt64>) {
    for place in places.indices where range.contains(places[place].offset) {
      precondition(places[place].changed == nil)
      places[place] = Place()
    }
  }
}
