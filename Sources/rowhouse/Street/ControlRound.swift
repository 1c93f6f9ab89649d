import Control
import Glibc
import Host

/// The same to many guests' VMMs at once: one that does not answer keeps none of the others waiting.
struct ControlRound {
  private let requests: [ControlRequest]
  private var asked: [(guest: GuestFolder, client: Result<ControlClient, ControlClient.Failure>)] = []

  typealias Failures = [(guest: GuestFolder, failure: ControlClient.Failure)]

  /// Sends the requests, one after the other, to each.
  init(_ requests: [ControlRequest], to guests: [GuestFolder]) {
    self.requests = requests
    asked = guests.map { ($0, connect(to: $0)) }
  }

  private func connect(to guest: GuestFolder) -> Result<ControlClient, ControlClient.Failure> {
    Result { () throws(ControlClient.Failure) in
      var client = try ControlClient(guest)
      for request in requests { client.send(request) }
      return client
    }
  }

  /// Waits for all replies to the last request, each asked once.
  ///
  /// - Returns: who did not do it, and why.
  func failures(until deadline: Instant) -> Failures {
    asked.compactMap { guest, client in
      do throws(ControlClient.Failure) {
        var client = try client.get()
        _ = try client.awaitReply(until: deadline)
        return nil
      } catch {
        return (guest, error)
      }
    }
  }

  /// Waits for all replies to the last request. Who cannot be asked yet, or not now, is asked again.
  ///
  /// - Returns: the guests in their order, with what each replied or why it did not.
  mutating func outcomes(
    until deadline: Instant
  ) -> [(guest: GuestFolder, reply: Result<ControlReply, ControlClient.Failure>)] {
    var replies = [Result<ControlReply, ControlClient.Failure>?](repeating: nil, count: asked.count)
    while true {
      let isLast = Instant.now >= deadline
      var mustPause = false
      for index in asked.indices where replies[index] == nil {
        do throws(ControlClient.Failure) {
          var client = try asked[index].client.get()
          // What has come of a reply so far stays with the client.
          defer { asked[index].client = .success(client) }
          let slice = min(deadline, .now.advanced(byNanoseconds: Self.slice))
          replies[index] = .success(try client.awaitReply(until: slice))
        } catch {
          if isLast || !error.mayPass(for: asked[index].guest) {
            replies[index] = .failure(error)
          } else if !error.isSilence {
            asked[index].client = connect(to: asked[index].guest)
            mustPause = true
          }
        }
      }
      if replies.allSatisfy({ $0 != nil }) { break }
      if mustPause { usleep(UInt32(Self.slice / 1000)) }
    }
    return zip(asked, replies).map { ($0.guest, $1!) }
  }

  /// As ``outcomes(until:)``: who did not do it, and why.
  mutating func lastingFailures(until deadline: Instant) -> Failures {
    outcomes(until: deadline).compactMap { guest, reply in
      if case .failure(let failure) = reply { (guest, failure) } else { nil }
    }
  }

  /// From one attempt to the next, and for each VMM while others have not answered yet, in nanoseconds.
  private static let slice: UInt64 = 5_000_000
}

extension ControlClient.Failure {
  fileprivate var isSilence: Bool { if case .silent = self { true } else { false } }

  /// Whether it may go better a moment later: a guest that is about to start has no sockets yet, one that is reset has
  /// no machine, and a VMM that serves as many as it can has room again when one of them leaves.
  fileprivate func mayPass(for guest: GuestFolder) -> Bool {
    switch self {
    case .silent: true
    case .gone, .full, .refused(.notRunning), .refused(.busy): guest.isAlive
    case .refused, .host: false
    }
  }
}
