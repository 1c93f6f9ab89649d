/// The format of an image file, as people and images name it.
///
/// A raw disk's first bytes are the guest's: when the format is guessed, a guest could write a qcow2 header
/// there and be given any file of the host as its backing file at the next start. So a disk that was guessed
/// to be raw refuses such a write, and formats that were named are never guessed.
package enum ImageFormat: String, CaseIterable, Sendable {
  case raw, qcow2

  /// What `file` seems to be by its first bytes.
  package init(guessing file: DiskFile) throws(ImageError) {
    self = ImageFormat.looksLikeQcow2(try file.bytes(4, at: 0)) ? .qcow2 : .raw
  }

  static func looksLikeQcow2(_ start: [UInt8]) -> Bool {
    start.count >= 4 && start.big(at: 0) == Qcow2Header.magic
  }

  /// The format that an image names for its backing file, or a guess when it names none.
  init(ofBacking name: String?, _ file: DiskFile, namedBy path: String) throws(ImageError) {
    guard let name, !name.isEmpty else {
      try self.init(guessing: file)
      return
    }
    guard let format = ImageFormat(rawValue: name) else {
      throw ImageError(path, .unsupported("its backing file has the format \"\(name)\", known are raw and qcow2"))
    }
    self = format
  }

  /// The path of a backing file from where this process is: names start from the folder of the image that has
  /// them.
  static func path(ofBacking name: String, of image: String) throws(ImageError) -> String {
    // What QEMU calls a protocol ("nbd:…", "json:…") comes before a colon, and a path's first folder has
    // none.
    let first = name.prefix { $0 != "/" }
    guard !first.contains(":") else {
      throw ImageError(image, .unsupported("its backing file \"\(name)\" is not a plain path"))
    }
    return name.hasPrefix("/") ? name : image.pathParts.folder + name
  }
}
