import Control
import Host

/// What becomes of a guest whose folder is removed under it, on the I/O thread.
extension Runner {
  /// Ends a detached guest that has lost its folder as `rowhouse stop` would: by its power button, or else after a
  /// while. Any other has somebody who has it in hand, and goes on.
  func lookForFolder() {
    guard let folder else { return }
    switch folderWatch.look(at: folder) {
    case .nothingNew: break
    case .lost where configuration.isDetached:
      guard let machine else { break }
      // Paused, it would not see the button.
      resume(machine)
      machine.power.pressPowerButton()
    case .lost:
      StandardError.say("\(configuration.folder ?? ""): the guest's folder was removed; other commands do not find it")
    case .overdue: if configuration.isDetached { end(.killed) }
    }
  }

  /// Puts an ended guest's last state where its folder was, for `list` and the ledger, or into it when it is there still
  /// and only what was in it was removed. A supervisor has it already.
  func leaveRemains() {
    guard configuration.isDetached, let folder, folder.isRemoved, let path = configuration.folder, let meterFile else {
      return
    }
    do throws(SystemCallError) {
      let page = try meterFile.descriptor.read(count: meter.shape.byteCount, at: 0)
      if folder.isInPlace(at: path) { return try folder.restore(meter: page) }
      let message = "rowhouse: the guest's folder was removed while it ran; this is what is left of it\n"
      do throws(SystemCallError) { try OpenFolder.leave(meter: page, message: message, at: path) } catch {
        // The place of all folders has gone, as when a user logs out. The ledger's stays.
        guard let state = Environment.folder("XDG_STATE_HOME", usually: ".local/state") else { return }
        let remains = "\(state)/\(FolderFile.remains)"
        try Folder.makeAll(remains)
        let name = path.split(separator: "/").last ?? ""
        try OpenFolder.leave(meter: page, message: message, at: "\(remains)/\(name)")
      }
    } catch {
      // There is no place for it, and nobody to tell.
    }
  }
}
