import Host

extension Disk {
  /// Opens the overlay at `path`, after making it when it is not there.
  ///
  /// - Parameters:
  ///   - base: the image that it stands on.
  ///   - format: the base's format; without one it is guessed when the overlay is made, and what the overlay says then.
  /// - Throws: ``ImageError`` when a file is there already that is no overlay of this base.
  package convenience init(
    overlay path: String, over base: String, format: ImageFormat?, isDirect: Bool
  ) throws(ImageError) {
    do throws(ImageError) {
      try ImageCreation.makeOverlay(at: path, over: base, format: format)
    } catch where error == ImageError(path, .host(SystemCallError("open", .exists))) {
      // What it is, it has to show below.
    }
    try self.init(try Disk.file(ofOverlay: path, isDirect: isDirect), format: .qcow2)
    try requireOverlay(of: base, format)
  }

  /// Opens the file when something is in it: whoever makes it at the same time locks it and fills it next.
  private static func file(ofOverlay path: String, isDirect: Bool) throws(ImageError) -> DiskFile {
    for _ in 1..<ImageLock.looks {
      do {
        let file = try DiskFile(path: path, writable: true, isDirect: isDirect)
        if file.end > 0 { return file }
      }
      ImageLock.pause()
    }
    return try DiskFile(path: path, writable: true, isDirect: isDirect)
  }

  private func requireOverlay(of base: String, _ format: ImageFormat?) throws(ImageError) {
    let path = layers[0].file.path
    guard layers.count > 1 else { throw ImageError(path, .standsOnAnother("stands on no other image")) }
    let identity = try host(base) { () throws(SystemCallError) in
      try FileIdentity(of: try Descriptor.open(base, [.readOnly, .nonBlocking]))
    }
    guard layers[1].file.identity == identity else {
      throw ImageError(path, .standsOnAnother("stands on \(layers[1].file.path), not on \(base)"))
    }
    guard format == nil || format == layers[1].format else {
      throw ImageError(path, .standsOnAnother("takes \(base) for \(layers[1].format.rawValue)"))
    }
  }
}

/// An overlay that is thrown away: a file without a name, which is gone with the process however that ends.
///
/// It outlives the disks that are opened on it, one after the other: a guest that starts anew finds its disk as it left
/// it.
package final class TemporaryOverlay: Sendable {
  private let descriptor: Descriptor
  private let base: String

  /// - Parameters:
  ///   - base: the image that it stands on.
  ///   - format: the base's format; without one it is guessed.
  ///   - folder: where the host has room for what the guest writes.
  package init(over base: String, format: ImageFormat?, in folder: String) throws(ImageError) {
    self.base = base
    let descriptor = try host(folder) { () throws(SystemCallError) in try Descriptor.nameless(in: folder) }
    self.descriptor = try host(folder) { () throws(SystemCallError) in try .duplicate(of: descriptor.number) }
    _ = try Disk(path: base, format: format, readOnly: true)
    // A nameless file is in no folder that a relative name could start from: it is taken to be where its base is.
    let name = base.split(separator: "/").last.map(String.init) ?? base
    let file = try DiskFile(descriptor, path: base, writable: true)
    try ImageCreation(overlaying: BackingName.plain(name), format: format).fill(file)
  }

  /// Opens it for a guest. The locks are the open file's, and so all its disks'.
  package func open(isDirect: Bool) throws(ImageError) -> Disk {
    let copy = try host(base) { () throws(SystemCallError) in try Descriptor.duplicate(of: descriptor.number) }
    return try Disk(try DiskFile(copy, path: base, writable: true, isDirect: isDirect), format: .qcow2)
  }
}
