/// What lies in a guest's folder.
package enum FolderFile: String, CaseIterable, Sendable {
  /// The guest's meter. The VMM holds a lock on its first byte while it lives, so that nobody has to believe a number.
  case meter
  /// Bytes of memory that the guest is promised, in decimal digits: of the host's budget, before the meter says it. A
  /// symbolic link's text, as every start reads those of all guests.
  case promised
  case control = "control.sock"
  case console = "console.sock"
  /// All that a detached guest has said on its console.
  case log = "console.log"
  /// What was said before that was started anew.
  case olderLog = "console.log.1"
  /// What the VMM of a guest without a supervisor has to say.
  case messages = "vmm.log"
  /// What the VMM was started with: each argument and a zero, as in /proc/PID/cmdline (proc(5)).
  case arguments
  /// The ledger's length before the guest's record was appended; there since somebody began to.
  case settling
  /// The guest's record is in the ledger.
  case settled

  /// How long the name of a guest, which is its folder's, may be.
  package static let mostNameBytes = 63

  /// Where the folder of a guest is left whose own place has gone with all around it, below the user's state folder.
  package static let remains = "rowhouse/remains"
}
