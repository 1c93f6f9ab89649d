import Host
import Machine

/// Settling the books of guests that have ended. A supervisor does for its guest; for others whoever looks next does.
enum Settlement {
  /// - Parameter record: nil for a guest that never ran.
  static func settle(_ record: LedgerRecord?, in folder: GuestFolder?) {
    guard let record, let ledger = Ledger() else { return }
    do throws(SystemCallError) { try ledger.settle(record, in: folder) } catch {
      StandardError.say("\(ledger.path): what the guest used cannot be written down: \(error.errno)")
    }
  }
}

extension GuestFolder {
  /// Settles the books of a guest that has ended, or has lost its VMM.
  func settle() { settle(try? look()) }

  /// The same for who has looked at it already.
  func settle(_ look: Look?) {
    guard let look, !look.isAlive, let meter = look.meter else { return }
    Settlement.settle(LedgerRecord(name.description, nil, meter), in: self)
  }
}
