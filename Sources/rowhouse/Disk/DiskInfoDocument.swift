import DiskImage
import Machine

/// What is known of an image, as programs read it. A raw image has no more than its first four.
struct DiskInfoDocument: JSONDocument {
  let path: String
  let format: String
  let diskBytes: UInt64
  /// What the file takes on its file system.
  let allocatedBytes: UInt64
  let version: Int?
  let clusterBytes: UInt64?
  let refcountBits: Int?
  let snapshots: UInt64?
  /// The base by the name that the image has for it, and by its path from here.
  let backing: String?
  let backingPath: String?
  let backingFormat: String?
  let isDirty: Bool?
  let isMarkedCorrupt: Bool?

  init(_ info: ImageInfo) {
    path = info.path
    format = info.format.rawValue
    diskBytes = info.size
    allocatedBytes = info.allocated
    version = info.qcow2?.version
    clusterBytes = info.qcow2?.clusterSize
    refcountBits = info.qcow2?.refcountBits
    snapshots = info.qcow2?.snapshots
    backing = info.qcow2?.backing
    backingPath = info.qcow2?.backingPath
    backingFormat = info.qcow2?.backingFormat
    isDirty = info.qcow2?.isDirty
    isMarkedCorrupt = info.qcow2?.isMarkedCorrupt
  }
}

extension ImageInfo {
  /// The same as people read it, a line for each fact.
  var text: String {
    var facts = [
      ("format", format.rawValue), ("disk", ImageInfo.readable(size)), ("takes", ImageInfo.readable(allocated)),
    ]
    if let qcow2 {
      facts[0].1 += " version \(qcow2.version)"
      facts.append(("clusters", ImageInfo.readable(qcow2.clusterSize)))
      if qcow2.snapshots > 0 { facts.append(("snapshots", "\(qcow2.snapshots)")) }
      // Names come from whoever made the image: quoted, a terminal is not told what to do.
      if let backing = qcow2.backing { facts.append(("stands on", backing.debugDescription)) }
      if let format = qcow2.backingFormat { facts.append(("base is", format.debugDescription)) }
      if qcow2.isDirty { facts.append(("state", "not closed properly: its reference counts are outdated")) }
      if qcow2.isMarkedCorrupt { facts.append(("state", "marked as corrupt")) }
    }
    return facts.map { name, value in
      name + String(repeating: " ", count: 12 - name.count) + value + "\n"
    }.joined()
  }

  private static func readable(_ bytes: UInt64) -> String {
    bytes % 1024 == 0 ? ByteSize.format(bytes) : "\(bytes) bytes"
  }
}
