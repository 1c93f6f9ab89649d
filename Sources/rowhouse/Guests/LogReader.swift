import Control
import Host

/// Reads a guest's `console.log.1` and `console.log` as one, also while the VMM puts the one in the other's place.
struct LogReader {
  private let folder: GuestFolder
  /// What is to be read, one after the other. The last may still grow.
  private var files: [SharedDescriptor]
  /// Whether what comes after the first is not what the guest said next: both files were replaced meanwhile.
  private var isGapNext = false

  enum Piece {
    /// At most 64 KiB.
    case bytes([UInt8])
    /// Here the guest said what nobody has any more.
    case gap
  }

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

  /// What comes next; nil when all that was said has been read.
  mutating func read() throws(SystemCallError) -> Piece? {
    while true {
      let bytes = try files[0].descriptor.read(atMost: 64 << 10)
      if !bytes.isEmpty { return .bytes(bytes) }
      if files.count > 1 {
        files.removeFirst()
        if isGapNext {
          isGapNext = false
          return .gap
        }
      } else if !(try takeNext()) {
        return nil
      }
    }
  }

  /// Goes on with the file that has taken this one's place.
  private mutating func takeNext() throws(SystemCallError) -> Bool {
    guard let now = try? Self.open(folder), let newest = now.last, try !Self.isSame(newest, files[0])
    else { return false }
    // The VMM has written its last to this one before it was replaced, and perhaps after it was read.
    isGapNext = try !Self.isSame(now[0], files[0])
    files = [files[0]] + (isGapNext ? now : [newest])
    return true
  }
}
