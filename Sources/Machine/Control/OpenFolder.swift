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

  private static func path(of file: FolderFile, in folder: SharedDescriptor) -> String {
    "/proc/self/fd/\(folder.number)/\(file.rawValue)"
  }
}
