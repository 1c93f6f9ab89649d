import Control

/// What may be asked of a guest that runs, on the I/O thread.
extension Runner {
  func answer(_ request: ControlRequest) -> ControlReply {
    guard let machine else { return .refused(.notRunning) }
    switch request {
    case .status:
      return .status(GuestStatus(balloon: machine.balloon.map { .init(target: $0.target, actual: $0.actual) }))
    case .powerButton:
      machine.power.pressPowerButton()
      return .done
    case .kill:
      machine.ending.report(.killed)
      return .done
    case .balloon(let target):
      guard let balloon = machine.balloon else { return .refused(.noSuchDevice) }
      guard target.isMultiple(of: Configuration.pageBytes), target < configuration.memoryBytes else {
        return .refused(.outOfRange)
      }
      balloon.setTarget(target)
      return .done
    case .awaitEnd:
      // Answered by the server, when it is time.
      return .refused(.unknownRequest)
    }
  }
}
