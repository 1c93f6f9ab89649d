/// Folders that others see whole or not at all: they are made and removed under another name beside their own.
///
/// Whoever does so holds the lock on the folder that they are in (``FolderLock``). So what is there under such a name
/// when somebody comes was left by one who was killed, and makes way.
package enum WholeFolder {
  private static let new = ".new"
  private static let gone = ".gone"

  private static func sibling(_ name: String, of path: String) -> String { path.pathParts.folder + name }

  /// Makes a folder that only its owner may look into, once all is in it.
  ///
  /// - Parameter fill: puts into the folder, whose path for now it is given, what shall be there.
  /// - Throws: `EEXIST` when something is at the path already, unless that is an empty folder.
  package static func make<Result>(
    _ path: String, fill: (_ path: String) throws(SystemCallError) -> Result
  ) throws(SystemCallError) -> Result {
    let new = sibling(new, of: path)
    do throws(SystemCallError) { try Folder.make(new) } catch where error.errno == .exists {
      try Folder.remove(new)
      try Folder.make(new)
    }
    do throws(SystemCallError) {
      let result = try fill(new)
      try Folder.rename(new, to: path)
      return result
    } catch {
      try? Folder.remove(new)
      let isTaken = error.errno == .notEmpty || error.errno == .notDirectory
      throw isTaken ? SystemCallError("rename", .exists) : error
    }
  }

  /// Takes away a folder and the files in it; one that holds another folder stays.
  package static func remove(_ path: String) throws(SystemCallError) {
    let gone = sibling(gone, of: path)
    do throws(SystemCallError) { try Folder.rename(path, to: gone) } catch where error.errno == .notEmpty {
      try Folder.remove(gone)
      try Folder.rename(path, to: gone)
    }
    do throws(SystemCallError) { try Folder.remove(gone) } catch {
      try? Folder.rename(gone, to: path)
      throw error
    }
  }
}
