import Control
import Glibc
import Host

/// A guest's folder, which others have made for it, with its sockets open.
///
/// What is in it is reached by its descriptor, so its path may be longer than a socket's may be.
struct OpenFolder {
  private let folder: SharedDescriptor
  let control: StreamListener
  let console: StreamListener

  /// - Throws: also when another VMM has been here, as its sockets then are.
  init(_ path: String) throws(SystemCallError) {
    folder = SharedDescriptor(try .open(path, [.readOnly, .directory]))
    control = try StreamListener(at: Self.path(of: .control, in: folder))
    console = try StreamListener(at: Self.path(of: .console, in: folder))
  }

  func path(of file: FolderFile) -> String { Self.path(of: file, in: folder) }

  /// From now on messages for a person go to the folder; whoever started this program sees standard error end.
  func takeMessages() throws(SystemCallError) {
    let file = try Descriptor.open(path(of: .messages), [.writeOnly, .create, .append], permissions: 0o600)
    try ProcessControl.replace(STDERR_FILENO, by: file)
  }

  /// Whether somebody has taken away what others find the guest by. Under another name it is still found.
  var isRemoved: Bool { control.isRemoved }

  /// Whether the folder itself is where it was, whatever is in it.
  func isInPlace(at path: String) -> Bool {
    (try? FileIdentity(ofFolder: path) == FileIdentity(of: folder.descriptor)) ?? false
  }

  /// Makes the meter of a guest that has ended anew where it was removed.
  ///
  /// - Parameter meter: its last state.
  func restore(meter: [UInt8]) throws(SystemCallError) {
    do throws(SystemCallError) { _ = try Self.write(meter, to: .meter, in: Self.path(of: folder)) } catch
      where error.errno == .exists
    {}
  }

  /// Has nobody new come to the sockets. Who waits there can still be served.
  func closeSockets() {
    for socket in [control, console] { socket.removeFile() }
  }

  /// Makes the folder of a guest that has ended, in the place of one that was removed. When another guest has taken the
  /// name since, it is `NAME.1` or the next that is free.
  ///
  /// What is left on a disk outlives a power failure whole or not at all: the meter and the names beside it are synced
  /// before the folder gets its own, and then that is. It costs the end of no guest but one that has lost its folder,
  /// and where folders are in memory nothing.
  ///
  /// - Parameters:
  ///   - meter: the meter's last state.
  ///   - message: a line for `vmm.log`.
  ///   - path: of the folder that was removed.
  static func leave(meter: [UInt8], message: String, at path: String) throws(SystemCallError) {
    // Perhaps all folders were removed at once.
    if let slash = path.lastIndex(of: "/") { try? Folder.make(String(path[..<slash])) }
    let lock = try FolderLock(around: path)
    var number = 0
    while true {
      do throws(SystemCallError) {
        try WholeFolder.make(numbered(path, number)) { place throws(SystemCallError) in
          _ = try write(Array(message.utf8), to: .messages, in: place)
          try write(meter, to: .meter, in: place).syncData()
          try Folder.sync(place)
        }
        break
      } catch where error.errno == .exists {
        number += 1
      }
    }
    lock.release()
    // It is there in any case. A caller that is told otherwise would leave it twice.
    try? Folder.sync(String(path.pathParts.folder))
  }

  /// A guest's path with a number behind its name, which stays a name; 0: none.
  private static func numbered(_ path: String, _ number: Int) -> String {
    if number == 0 { return path }
    let suffix = ".\(number)"
    let folder = path.pathParts.folder
    var stem = path.pathParts.name
    while stem.utf8.count + suffix.utf8.count > FolderFile.mostNameBytes { stem.removeLast() }
    return folder + stem + suffix
  }

  private static func write(
    _ bytes: [UInt8], to file: FolderFile, in folder: String
  ) throws(SystemCallError) -> Descriptor {
    let path = "\(folder)/\(file.rawValue)"
    let file = try Descriptor.open(path, [.writeOnly, .create, .exclusive], permissions: 0o600)
    try file.writeAll(bytes)
    return file
  }

  private static func path(of folder: SharedDescriptor) -> String { "/proc/self/fd/\(folder.number)" }

  private static func path(of file: FolderFile, in folder: SharedDescriptor) -> String {
    "\(path(of: folder))/\(file.rawValue)"
  }
}
