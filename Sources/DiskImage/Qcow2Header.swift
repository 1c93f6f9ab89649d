/// The header of a qcow2 image and the extensions that matter here (qcow2 specification, "Header", "Header
/// extensions").
///
/// Parsing it checks everything that the header alone and the file's size can tell. What a bit or a method
/// means for reading is decided here too: whatever would be read wrongly is refused.
struct Qcow2Header: Equatable {
  static let magic: UInt32 = 0x5146_49fb  // "QFI\xfb"

  /// 2 or 3.
  var version: Int
  var geometry: Geometry
  /// The disk's size in bytes.
  var size: UInt64
  /// The active L1 table: where it is in the file, and how many entries it has.
  var l1Offset: UInt64
  var l1Entries: UInt64
  var refcountTableOffset: UInt64
  /// In clusters.
  var refcountTableClusters: UInt64
  var snapshotCount: UInt64
  var snapshotsOffset: UInt64
  /// "The refcounts may be wrong": left by a program that postpones updating them and ended badly.
  var isDirty = false
  /// "Some structure is broken": the image must not be written.
  var isMarkedCorrupt = false
  /// Features that a writer which does not know them has to clear.
  var autoclear: UInt64 = 0
  /// Bitmaps that are right.
  var bitmaps: BitmapDirectory?
  /// The backing file as the image names it, when there is one.
  var backing: String?
  /// Its format as the image names it; without, it has to be guessed.
  var backingFormat: String?

  static let versionTwoBytes = 72
  static let versionThreeBytes = 104
  /// The longest backing file name that the format allows, in bytes.
  static let longestName = 1023

  // Where the fields are that are changed in place.
  static let refcountTableField: UInt64 = 48
  static let autoclearField: UInt64 = 88

  /// Bits of the incompatible features field.
  private enum Incompatible {
    static let dirty: UInt64 = 1 << 0
    static let corrupt: UInt64 = 1 << 1
    static let dataFile: UInt64 = 1 << 2
    static let compression: UInt64 = 1 << 3
    static let extendedL2: UInt64 = 1 << 4
  }

  /// Types of header extensions.
  private enum Extension {
    static let end: UInt32 = 0
    static let backingFormat: UInt32 = 0xe279_2aca
    static let bitmaps: UInt32 = 0x2385_2875
  }

  // Limits that QEMU has too: they bound what a header can make this program read. In bytes, but for
  // snapshots.
  static let largestL1: UInt64 = 32 << 20
  static let largestRefcountTable: UInt64 = 8 << 20
  static let mostSnapshots: UInt64 = 65536

  /// Reads and checks the header of `file`.
  init(of file: DiskFile) throws(ImageError) {
    let head = try file.bytes(Qcow2Header.versionThreeBytes + 8, at: 0)
    guard head.big(at: 0) == Qcow2Header.magic else { throw ImageError(file.path, .notQcow2) }
    guard file.end >= UInt64(Qcow2Header.versionTwoBytes) else {
      throw ImageError(file.path, .truncated("its header", end: 72, size: file.end))
    }
    let number: UInt32 = head.big(at: 4)
    guard number == 2 || number == 3 else {
      throw ImageError(file.path, .unsupported("it is qcow2 version \(number), versions 2 and 3 are known"))
    }
    version = Int(number)

    let clusterBits: UInt32 = head.big(at: 20)
    guard (9...21).contains(clusterBits) else {
      throw ImageError(file.path, .malformed("cluster_bits is \(clusterBits), it has to be 9 to 21"))
    }
    var refcountOrder: UInt32 = 4
    var headerBytes = UInt32(Qcow2Header.versionTwoBytes)
    if version == 3 {
      (refcountOrder, headerBytes) = (head.big(at: 96), head.big(at: 100))
      guard refcountOrder <= 6 else {
        throw ImageError(file.path, .malformed("refcount_order is \(refcountOrder), it has to be 0 to 6"))
      }
      guard headerBytes >= Qcow2Header.versionThreeBytes, headerBytes % 8 == 0, headerBytes <= 1 << clusterBits else {
        throw ImageError(file.path, .malformed("header_length is \(headerBytes)"))
      }
    }
    geometry = Geometry(clusterBits: Int(clusterBits), refcountOrder: Int(refcountOrder))
    size = head.big(at: 24)
    l1Entries = UInt64(head.big(at: 36, as: UInt32.self))
    l1Offset = head.big(at: 40)
    refcountTableOffset = head.big(at: 48)
    refcountTableClusters = UInt64(head.big(at: 56, as: UInt32.self))
    snapshotCount = UInt64(head.big(at: 60, as: UInt32.self))
    snapshotsOffset = head.big(at: 64)

    let encryption: UInt32 = head.big(at: 32)
    guard encryption == 0 else {
      throw ImageError(file.path, .unsupported("it is encrypted (method \(encryption))"))
    }
    if version == 3 { try readFeatures(head, headerBytes, file) }
    try checkTables(file)
    try readExtensions(file, from: UInt64(headerBytes))
    try readBackingName(file, offset: head.big(at: 8), count: UInt64(head.big(at: 16, as: UInt32.self)))
  }

  private mutating func readFeatures(_ head: [UInt8], _ headerBytes: UInt32, _ file: DiskFile) throws(ImageError) {
    let incompatible: UInt64 = head.big(at: 72)
    isDirty = incompatible & Incompatible.dirty != 0
    isMarkedCorrupt = incompatible & Incompatible.corrupt != 0
    autoclear = head.big(at: 88)
    if incompatible & Incompatible.dataFile != 0 {
      throw ImageError(file.path, .unsupported("its data is in an external data file"))
    }
    if incompatible & Incompatible.extendedL2 != 0 {
      throw ImageError(file.path, .unsupported("it has extended L2 entries (subclusters)"))
    }
    // The field is there only when the header is longer than the smallest.
    let compression = headerBytes > Qcow2Header.versionThreeBytes ? head[104] : 0
    if incompatible & Incompatible.compression != 0 || compression != 0 {
      let name = compression == 1 ? "zstd" : "type \(compression)"
      throw ImageError(file.path, .unsupported("its clusters are compressed by \(name), only zlib is known"))
    }
    let known = Incompatible.dirty | Incompatible.corrupt
    guard incompatible & ~known == 0 else {
      let bits = (0..<64).filter { (incompatible & ~known) >> UInt64($0) & 1 != 0 }.map(String.init)
      throw ImageError(file.path, .unsupported(
        "it needs features that are not known: incompatible bits \(bits.joined(separator: ", "))"))
    }
  }

  /// The tables that the header names lie in the file, apart from the header, and are large enough for the
  /// disk.
  private func checkTables(_ file: DiskFile) throws(ImageError) {
    guard size % 512 == 0 else { throw ImageError(file.path, .oddSize(size)) }
    guard size <= UInt64(Int64.max) - geometry.clusterSize else {
      throw ImageError(file.path, .malformed("the disk's size is \(size) bytes"))
    }
    let needed = geometry.tables(forDiskOf: size)
    guard l1Entries >= needed else {
      throw ImageError(file.path, .malformed("its L1 table has \(l1Entries) entries, the disk needs \(needed)"))
    }
    guard l1Entries * 8 <= Qcow2Header.largestL1 else {
      throw ImageError(file.path, .malformed("its L1 table has \(l1Entries) entries"))
    }
    let refcountTableBytes = geometry.offset(of: refcountTableClusters)
    guard refcountTableClusters > 0, refcountTableBytes <= Qcow2Header.largestRefcountTable else {
      throw ImageError(file.path, .malformed("its refcount table has \(refcountTableClusters) clusters"))
    }
    try checkTable(file, "its L1 table", l1Offset, l1Entries * 8)
    try checkTable(file, "its refcount table", refcountTableOffset, refcountTableBytes)
    guard snapshotCount <= Qcow2Header.mostSnapshots else {
      throw ImageError(file.path, .malformed("it has \(snapshotCount) snapshots"))
    }
    if snapshotCount > 0 { try checkTable(file, "its snapshot table", snapshotsOffset, 40 * snapshotCount) }
  }

  /// Makes sure that a table of `count` bytes starts at a cluster other than the header's and lies in the
  /// file.
  func checkTable(
    _ file: DiskFile, _ what: String, _ offset: UInt64, _ count: UInt64
  ) throws(ImageError) {
    // Without entries there is nothing to find.
    if count == 0 { return }
    guard offset > 0, geometry.isAligned(offset) else {
      throw ImageError(file.path, .malformed("\(what) is at offset \(offset)"))
    }
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard !overflow, end <= file.end else {
      throw ImageError(file.path, .truncated(what, end: overflow ? .max : end, size: file.end))
    }
  }

  /// Extensions follow the header, each with a type and a length, up to the first of type 0 or the cluster's
  /// end.
  private mutating func readExtensions(_ file: DiskFile, from start: UInt64) throws(ImageError) {
    var offset = start
    while offset + 8 <= geometry.clusterSize {
      let head = try file.bytes(8, at: offset)
      let (type, count): (UInt32, UInt64) = (head.big(at: 0), UInt64(head.big(at: 4, as: UInt32.self)))
      if type == Extension.end { return }
      guard offset + 8 + count <= geometry.clusterSize else {
        throw ImageError(file.path, .malformed("a header extension at \(offset) is \(count) bytes long"))
      }
      if type == Extension.backingFormat {
        guard count <= 32 else { throw ImageError(file.path, .malformed("the backing format's name is too long")) }
        backingFormat = String(decoding: try file.bytes(Int(count), at: offset + 8), as: UTF8.self)
      }
      if type == Extension.bitmaps, autoclear & BitmapDirectory.autoclearBit != 0 {
        guard count == BitmapDirectory.extensionBytes else {
          throw ImageError(file.path, .malformed("the bitmaps extension is \(count) bytes long"))
        }
        bitmaps = BitmapDirectory(try file.bytes(BitmapDirectory.extensionBytes, at: offset + 8))
      }
      offset += 8 + (count + 7) / 8 * 8
    }
  }

  private mutating func readBackingName(_ file: DiskFile, offset: UInt64, count: UInt64) throws(ImageError) {
    guard offset != 0 else { return }
    guard count > 0, count <= UInt64(Qcow2Header.longestName), offset <= geometry.clusterSize - count else {
      throw ImageError(file.path, .malformed("its backing file's name is \(count) bytes at offset \(offset)"))
    }
    guard offset + count <= file.end else {
      throw ImageError(file.path, .truncated("its backing file's name", end: offset + count, size: file.end))
    }
    let name = try file.bytes(Int(count), at: offset)
    guard !name.contains(0), let text = String(validating: name, as: UTF8.self) else {
      throw ImageError(file.path, .malformed("its backing file's name is not text"))
    }
    backing = text
  }
}

extension Qcow2Header {
  /// A new image's header; it names no table yet.
  init(geometry: Geometry, size: UInt64, backing: String?, backingFormat: String?) {
    version = 3
    self.geometry = geometry
    self.size = size
    (l1Offset, l1Entries, refcountTableOffset, refcountTableClusters) = (0, 0, 0, 0)
    (snapshotCount, snapshotsOffset) = (0, 0)
    self.backing = backing
    self.backingFormat = backingFormat
  }

  /// The header's first bytes as they are in the file, with extensions and names: at most a cluster.
  func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Qcow2Header.versionThreeBytes)
    bytes.put(big: Qcow2Header.magic, at: 0)
    bytes.put(big: UInt32(version), at: 4)
    bytes.put(big: UInt32(geometry.clusterBits), at: 20)
    bytes.put(big: size, at: 24)
    bytes.put(big: UInt32(l1Entries), at: 36)
    bytes.put(big: l1Offset, at: 40)
    bytes.put(big: refcountTableOffset, at: 48)
    bytes.put(big: UInt32(refcountTableClusters), at: 56)
    bytes.put(big: UInt32(geometry.refcountOrder), at: 96)
    bytes.put(big: UInt32(Qcow2Header.versionThreeBytes), at: 100)
    if let backingFormat { bytes.append(extension: Extension.backingFormat, Array(backingFormat.utf8)) }
    bytes.append(extension: Extension.end, [])
    if let backing {
      bytes.put(big: UInt64(bytes.count), at: 8)
      bytes.put(big: UInt32(backing.utf8.count), at: 16)
      bytes.append(contentsOf: backing.utf8)
    }
    return bytes
  }
}

extension [UInt8] {
  /// Appends a header extension, padded to a multiple of 8.
  fileprivate mutating func append(extension type: UInt32, _ data: [UInt8]) {
    let start = count
    append(contentsOf: repeatElement(0, count: 8))
    put(big: type, at: start)
    put(big: UInt32(data.count), at: start + 4)
    append(contentsOf: data)
    append(contentsOf: repeatElement(0, count: (8 - count % 8) % 8))
  }
}
