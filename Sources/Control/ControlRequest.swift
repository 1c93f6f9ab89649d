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
    }
    return Frame(kind: kind, id: id, body: body)
  }
}
