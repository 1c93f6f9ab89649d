/// What a person's tool asks of a guest's VMM over `control.sock`.
package enum ControlRequest: Equatable, Sendable {
  /// How is it now?
  case status
  /// Press the power button and let it go.
  case powerButton
  /// End the guest at once; its verdict is `killed`.
  case kill
  /// Have the guest give up memory, in bytes, a multiple of 4 KiB below its whole memory.
  case balloon(target: UInt64)
  /// Answer when the guest has ended, however long that takes.
  case awaitEnd
  /// Stop the vCPUs.
  case pause
  /// Let them go on; nothing changes when they run.
  case resume
  /// Change what the guest may use: all of it, or when one of them cannot be, nothing. In any order.
  case allot([AllotmentChange])
  /// Bring the meter up to date.
  case sample
  /// Where is the console's end on the host?
  case consolePlace
  /// What does the guest's kernel say of its memory? Answered when it has said it, however long that takes.
  case memory
}

extension ControlRequest {
  package init(_ frame: Frame) throws(ControlFault) {
    var body = FieldReader(frame.body)
    switch frame.kind {
    case 1: self = .status
    case 2: self = .powerButton
    case 3: self = .kill
    case 4:
      guard let target = body.next(UInt64.self) else { throw .malformed }
      self = .balloon(target: target)
    case 5: self = .awaitEnd
    case 6: self = .pause
    case 7: self = .resume
    case 16:
      var changes: [AllotmentChange] = []
      repeat {
        guard let change = AllotmentChange(&body) else { throw .malformed }
        changes.append(change)
      } while !body.isAtEnd
      self = .allot(changes)
    case 17: self = .sample
    case 18: self = .consolePlace
    case 19: self = .memory
    default: throw .unknownRequest
    }
    guard body.isAtEnd else { throw .malformed }
  }

  package func frame(id: UInt32) -> Frame {
    var body: [UInt8] = []
    let kind: UInt16
    switch self {
    case .status: kind = 1
    case .powerButton: kind = 2
    case .kill: kind = 3
    case .balloon(let target):
      kind = 4
      body.append(little: target)
    case .awaitEnd: kind = 5
    case .pause: kind = 6
    case .resume: kind = 7
    case .allot(let changes):
      kind = 16
      for change in changes { body.append(change) }
    case .sample: kind = 17
    case .consolePlace: kind = 18
    case .memory: kind = 19
    }
    return Frame(kind: kind, id: id, body: body)
  }
}
