import Control
import Host
import Machine

/// What is left of guests whose runtime folder was removed with all that is in it, as when their user logged out: a
/// last state of the meter for the ledger, beside that. Their VMMs put it there.
enum Remains {
  /// Writes down what the guests used, and takes away what was left of them; what cannot be written down stays, which
  /// is said.
  static func settle() {
    guard let state = Environment.folder("XDG_STATE_HOME", usually: ".local/state") else { return }
    let street = Street(path: "\(state)/\(FolderFile.remains)")
    // Mostly there is no such folder.
    guard let guests = try? street.guests(), !guests.isEmpty else { return }
    for guest in guests {
      do throws(Settlement.Failure) { try guest.settle() } catch {
        // `rowhouse remove` does not find it.
        StandardError.say("\(error); remove \(guest.path) to give that up")
        continue
      }
      do throws(HostError) { _ = try street.remove(guest) } catch { StandardError.say("\(error)") }
    }
    Folder.removeIfEmpty(street.path)
  }
}
