/// Where an image's bitmaps are (qcow2 specification, "Bitmaps extension"): notes of QEMU's, which this program does
/// not keep, of what was written since some moment. Their clusters are in use as long as the header's autoclear bit
/// says that they are right.
struct BitmapDirectory: Equatable {
  static let extensionBytes = 24
  static let autoclearBit: UInt64 = 1 << 0
  /// The most bytes of tables and directory.
  private static let mostBytes: UInt64 = 256 << 20

  private let entries: UInt64
  private let bytes: UInt64
  private let offset: UInt64

  /// - Parameter data: the extension's, ``extensionBytes`` long.
  init(_ data: [UInt8]) {
    entries = UInt64(data.big(at: 0, as: UInt32.self))
    (bytes, offset) = (data.big(at: 8), data.big(at: 16))
  }

  /// Calls `mark` with all parts of the file that the bitmaps take: what a part is, where, and how many bytes. What is
  /// in a part that `mark` does not find sound is not looked at.
  func forEachPart(
    of file: DiskFile, _ geometry: Geometry, _ mark: (_ what: String, _ offset: UInt64, _ count: UInt64) -> Bool
  ) throws(ImageError) {
    guard bytes <= Self.mostBytes else {
      throw ImageError(file.path, .corrupt("the bitmap directory has \(bytes) bytes"))
    }
    var known = bytes
    guard mark("the bitmap directory", offset, bytes) else { return }
    let directory = try file.bytes(Int(bytes), at: offset)
    var place = 0
    for number in 0..<entries {
      // "Bitmap directory entry": the table's offset and number of entries, then what is of no matter here but for the
      // lengths of two parts that follow, and zeros up to a multiple of 8.
      let isThere = directory.count - place >= 24
      let count = isThere ? UInt64(directory.big(at: place + 8, as: UInt32.self)) : 0
      known += count * 8
      guard isThere, known <= Self.mostBytes else {
        throw ImageError(file.path, .corrupt("the bitmap directory is broken at entry \(number)"))
      }
      let table: UInt64 = directory.big(at: place)
      let name = Int(directory.big(at: place + 18, as: UInt16.self))
      let extra = Int(directory.big(at: place + 20, as: UInt32.self))
      place = min(directory.count, place + (24 + extra + name + 7) / 8 * 8)
      guard mark("the table of bitmap \(number)", table, count * 8) else { return }
      try file.forEachEntry(at: table, count: count) { index, raw in
        // Without an offset the bits are all the same.
        let data = raw & Geometry.offsetMask
        if data != 0 { _ = mark("part \(index) of bitmap \(number)", data, geometry.clusterSize) }
      }
    }
  }
}
