import Control
import Host

/// The same to many guests' VMMs at once: one that does not answer keeps none of the others waiting.
struct ControlRound {
  private let asked: [(guest: GuestFolder, client: Result<ControlClient, ControlClient.Failure>)]

  /// Sends the requests, one after the other, to each.
  init(_ requests: [ControlRequest], to guests: [GuestFolder]) {
    asked = guests.map { guest in
      (guest, Result { () throws(ControlClient.Failure) in
        var client = try ControlClient(guest)
        for request in requests { client.send(request) }
        return client
      })
    }
  }

  /// Waits for all replies to the last request.
  ///
  /// - Returns: who did not do it, and why.
  func failures(until deadline: Instant) -> [(guest: GuestFolder, failure: ControlClient.Failure)] {
    var failures: [(guest: GuestFolder, failure: ControlClient.Failure)] = []
    for index in asked.indices {
      do throws(ControlClient.Failure) {
        var client = try asked[index].client.get()
        _ = try client.awaitReply(until: deadline)
      } catch {
        failures.append((asked[index].guest, error))
      }
    }
    return failures
  }
}
