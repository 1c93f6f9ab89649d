import Control
import Host

/// Reads a guest's `console.log.1` and `console.log` as one, also while the VMM puts the one in the other's place.
struct LogReader {
  private let folder: GuestFolder
  /// What is to be read, one after the other. The last may still grow.
  private var files: [SharedDescriptor]
  /// Whether both files were replaced before they were read, so that something is missing.
  private(set) var hasMissed = false

  /// - Throws: `ENOENT` when the guest has no log.
  init(_ folder: GuestFolder) throws(SystemCallError) {
    self.folder = folder
    files = try Self.open(folder)
  }

  private static func open(_ folder: GuestFolder, _ file: FolderFile) throws(SystemCallError) -> SharedDescriptor {
    SharedDescriptor(try .open(folder.path(of: file), .readOnly))
  }

  private static func open(_ folder: GuestFolder) throws(SystemCallError) -> [SharedDescriptor] {
    while true {
      // The newer first: when it becomes the older one meanwhile, the two are the same file.
      let newer: SharedDescriptor
      do throws(SystemCallError) { newer = try open(folder, .log) } catch where error.errno == .noSuchFile {
        // Between two calls of the VMM there is only the older one.
        return [try open(folder, .olderLog)]
      }
      guard let older = try? open(folder, .olderLog) else { return [newer] }
      if try !isSame(older, newer) { return [older, newer] }
    }
  }

  private static func isSame(_ left: SharedDescriptor, _ right: SharedDescriptor) throws(SystemCallError) -> Bool {
    try FileIdentity(of: left.descriptor) == FileIdentity(of: right.descriptor)
  }

  /// What comes next, at most 64 KiB; nothing when all that was said has been read.
  mutating func read() throws(SystemCallError) -> [UInt8] {
    while true {
      let bytes = try files[0].descriptor.read(atMost: 64 << 10)
      if !bytes.isEmpty { return bytes }
      if files.count > 1 {
        files.removeFirst()
      } else if !(try takeNext()) {
        return []
      }
    }
  }

  /// Goes on with the file that has taken this one's place.
  private mutating func takeNext() throws(SystemCallError) -> Bool {
    guard let newer = try? Self.open(folder, .log), try !Self.isSame(newer, files[0]) else { return false }
    // The VMM has written its last to this one before it was replaced, and perhaps after it was read.
    let last = files[0]
    let older = try? Self.open(folder, .olderLog)
    if let older, try Self.isSame(older, last) {
      files = [last, newer]
    } else {
      hasMissed = true
      files = [last] + (try Self.open(folder))
    }
    return true
  }
}
