import Control
import Host
import Machine
import Metering
import Synchronization

/// Settling the books of guests that have ended. A supervisor does for its guest; for others whoever looks next does.
enum Settlement {
  /// What a guest used is not in the ledger. The guest's meter, in its folder, is all that says it.
  struct Failure: Error, CustomStringConvertible {
    /// The file that is in the way.
    let path: String
    let reason: Reason

    enum Reason {
      case ledger(SystemCallError)
      /// The meter cannot be read.
      case meter(SystemCallError)
      /// The meter is not understood.
      case foreignMeter
    }

    var description: String {
      let reason =
        switch reason {
        case .ledger(let error): "\(error.errno)"
        case .meter(let error): "its meter cannot be read: \(error.errno)"
        case .foreignMeter:
          "its meter is damaged or of another version; `rowhouse list` of the version that started it writes it down"
        }
      return "\(path): what the guest used cannot be written down: \(reason)"
    }

    /// Whether it is the guest's own meter that is in the way, so that room for the ledger would not help.
    var isOfMeter: Bool {
      if case .ledger = reason { false } else { true }
    }
  }

  /// - Parameter record: nil for a guest that never ran.
  static func settle(_ record: LedgerRecord?, in folder: GuestFolder?) throws(Failure) {
    // Who has no place for a ledger keeps none.
    guard let record, let ledger = Ledger() else { return }
    do throws(SystemCallError) { try ledger.settle(record, in: folder) } catch {
      throw Failure(path: ledger.path, reason: .ledger(error))
    }
  }

  /// Reads the last state of a guest that has ended.
  ///
  /// - Parameter path: the meter's, as a person knows it.
  /// - Returns: nil where no VMM has filled it, so that no guest ran.
  static func reading(_ meter: borrowing Descriptor, path: String) throws(Failure) -> MeterReading? {
    do throws(SystemCallError) {
      if let reading = try MeterReading(of: meter) { return reading }
      guard try MeterReading.isFilled(meter) else { return nil }
    } catch {
      throw Failure(path: path, reason: .meter(error))
    }
    throw Failure(path: path, reason: .foreignMeter)
  }
}

extension GuestFolder {
  /// Its meter's path for a person, also where the folder is held.
  var meterPath: String { "\(path)/\(FolderFile.meter.rawValue)" }

  /// Settles the books of a guest that has ended, or has lost its VMM. One that has gone was settled before.
  func settle() throws(Settlement.Failure) {
    let look: Look?
    do throws(SystemCallError) { look = try lookIfThere() } catch {
      throw Settlement.Failure(path: meterPath, reason: .meter(error))
    }
    if let look { try settle(look) }
  }

  /// The same for who has looked at it already.
  func settle(_ look: Look) throws(Settlement.Failure) {
    if look.isAlive { return }
    // What is written down already need not be understood.
    if look.isForeign, !has(.settled) { throw Settlement.Failure(path: meterPath, reason: .foreignMeter) }
    guard let meter = look.meter else { return }
    try Settlement.settle(LedgerRecord(name.description, nil, meter), in: self)
  }

  /// The same for who only looks: what cannot be written down now is for the next one, and said.
  func settleIfPossible() {
    do throws(Settlement.Failure) { try settle() } catch { return say(error) }
    forget()
  }

  /// The same for who only looks, and has.
  func settleIfPossible(_ look: Look?) {
    guard let look else { return }
    do throws(Settlement.Failure) { try settle(look) } catch { return say(error) }
    forget()
  }

  /// What was said of which guest.
  private static let said = Mutex<[String: String]>([:])

  private func forget() { _ = Self.said.withLock { $0.removeValue(forKey: path) } }

  /// Says it once: who looks over and over again would say the same each time.
  private func say(_ failure: Settlement.Failure) {
    let line = "\(failure)" + (failure.isOfMeter ? "; `rowhouse remove --force \(name)` gives that up" : "")
    if Self.said.withLock({ $0.updateValue(line, forKey: path) }) != line { StandardError.say(line) }
  }
}
