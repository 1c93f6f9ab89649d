import Host
import Machine

/// Settling the books of guests that have ended. A supervisor does for its guest; for others whoever looks next does.
enum Settlement {
  /// What a guest used is not in the ledger. The guest's meter, in its folder, is all that says it.
  struct Failure: Error, CustomStringConvertible {
    let path: String
    let error: SystemCallError

    var description: String { "\(path): what the guest used cannot be written down: \(error.errno)" }
  }

  /// - Parameter record: nil for a guest that never ran.
  static func settle(_ record: LedgerRecord?, in folder: GuestFolder?) throws(Failure) {
    // Who has no place for a ledger keeps none.
    guard let record, let ledger = Ledger() else { return }
    do throws(SystemCallError) { try ledger.settle(record, in: folder) } catch {
      throw Failure(path: ledger.path, error: error)
    }
  }
}

extension GuestFolder {
  /// Settles the books of a guest that has ended, or has lost its VMM.
  func settle() throws(Settlement.Failure) { try settle(try? look()) }

  /// The same for who only looks: what cannot be written down now is for the next one, and said.
  func settleIfPossible() { settleIfPossible(try? look()) }

  /// The same for who has looked at it already.
  func settleIfPossible(_ look: Look?) {
    do throws(Settlement.Failure) { try settle(look) } catch { StandardError.say("\(error)") }
  }

  private func settle(_ look: Look?) throws(Settlement.Failure) {
    guard let look, !look.isAlive, let meter = look.meter else { return }
    try Settlement.settle(LedgerRecord(name.description, nil, meter), in: self)
  }
}
