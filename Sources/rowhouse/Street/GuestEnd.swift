import Control
import Glibc
import Host
import Machine
import Metering

/// How a guest ended, as far as anybody knows.
enum GuestEnd: Equatable, CustomStringConvertible {
  case verdict(Verdict)
  /// Its VMM died without a word.
  case crashed
  /// Its folder was removed before anybody could look.
  case removed

  /// - Parameter verdict: what its meter says, now that its VMM has gone.
  init(_ verdict: Verdict?) { self = verdict.map(Self.verdict) ?? .crashed }

  /// In a person's words.
  var description: String {
    switch self {
    case .verdict(let verdict): "\(verdict)"
    case .crashed: "its VMM died before it could say how the guest ended"
    case .removed: "the guest has ended, and was removed before it could be seen how"
    }
  }

  /// The exit status of whoever waited for the guest.
  var exitStatus: Int32 {
    switch self {
    case .verdict(let verdict): verdict.exitStatus
    case .crashed: Verdict.killed.exitStatus
    // As where there is no guest of that name.
    case .removed: 2
    }
  }
}

extension GuestFolder {
  /// Waits for the guest's end, and for that of its VMM.
  ///
  /// - Parameter deadline: nil: no limit.
  /// - Returns: nil when the guest has not ended by then.
  /// - Throws: when that cannot be told.
  func awaitEnd(until deadline: Instant? = nil) throws(HostError) -> GuestEnd? {
    do throws(SystemCallError) {
      // Open before the wait: a supervisor removes the folder as soon as the guest has ended.
      return try awaitEnd(.open(path(of: .meter), .readOnly), until: deadline)
    } catch where error.errno == .noSuchFile {
      return isInPlace ? .crashed : .removed
    } catch {
      throw unknown(error)
    }
  }

  private func awaitEnd(
    _ meter: borrowing Descriptor, until deadline: Instant?
  ) throws(SystemCallError) -> GuestEnd? {
    while true {
      do throws(ControlClient.Failure) {
        var client = try ControlClient(self)
        let reply = try client.ask(.awaitEnd, until: deadline)
        if case .ended(let code, let value) = reply, let verdict = Verdict(code: code, value: value) {
          try? awaitVMM(meter, until: deadline)
          return .verdict(verdict)
        }
      } catch {
        if case .silent = error { return nil }
        // The VMM has gone, has not opened its sockets yet, or is too busy, or stopped, to be asked often.
        guard try meter.isByteLockedElsewhere(0) else {
          return GuestEnd(try MeterReading(of: meter).flatMap(Verdict.init))
        }
        if let deadline, Instant.now >= deadline { return nil }
        switch error {
        case .refused, .full: usleep(100_000)
        case .gone, .silent, .host: usleep(5000)
        }
      }
    }
  }

  /// Its verdict is known a moment before the VMM has ended.
  private func awaitVMM(_ meter: borrowing Descriptor, until deadline: Instant?) throws(SystemCallError) {
    while try meter.isByteLockedElsewhere(0), deadline.map({ .now < $0 }) ?? true { usleep(1000) }
  }

  /// Signals the VMM's process, whatever it is doing.
  func send(_ signal: Int32) throws(SystemCallError) {
    guard let look = try lookIfThere(), look.isAlive, let number = look.meter?.process else { return }
    let process = try ProcessHandle(number)
    // The handle is to the VMM only if that has not ended before it was taken.
    if try !isOver() { try process.send(signal) }
  }
}
