/// What a VMM answers to a ``ControlRequest``.
package enum ControlReply: Equatable, Sendable {
  case done
  case status(GuestStatus)
  /// The guest has ended: the verdict's code and value, as in its meter.
  case ended(code: UInt32, value: UInt32)
  case refused(ControlFault)
  /// Where the console's end on the host is: the path of the terminal or the address that was made for it, as
  /// "/dev/pts/3" or "tcp:127.0.0.1:5000"; else what `--console` has.
  case consolePlace(String)
  case memory(MemoryReport)
}

/// What changes while a guest runs and is not in its meter.
package struct GuestStatus: Equatable, Sendable {
  /// What the guest shall give up, and what it has given up, in bytes; nil: it has no balloon.
  package var balloon: Balloon?
  package struct Balloon: Equatable, Sendable {
    package var target: UInt64
    package var actual: UInt64

    package init(target: UInt64, actual: UInt64) {
      self.target = target
      self.actual = actual
    }
  }

  package init(balloon: Balloon? = nil) { self.balloon = balloon }
}

/// Why a VMM does not do what it was asked.
package enum ControlFault: UInt16, Error, CaseIterable, Sendable {
  /// No request of that kind in this version.
  case unknownRequest = 1
  /// The body is not what the request's kind has.
  case malformed
  /// The guest is starting or has ended.
  case notRunning
  /// The guest has no such device, or no driver for it.
  case noSuchDevice
  /// A value that cannot be.
  case outOfRange
  /// The VMM serves as many as it can. With the id 0 it is said to a connection that then ends.
  case busy
  /// Of the console: the viewer is not attached, or may not write.
  case notAllowed
  /// The peer speaks another version of the protocol. It is said with the id 0, to a connection that then ends.
  case otherVersion
  /// A weight is for a control group, and the guest was started in none.
  case noControlGroup
  /// The host's kernel does not take such a value for the guest's control group.
  case refusedByHost
  /// The host's kernel failed to do it. The VMM has said how on standard error.
  case hostFailed
}

extension ControlReply {
  private static let kinds:
    (done: UInt16, status: UInt16, ended: UInt16, consolePlace: UInt16, memory: UInt16, refused: UInt16) =
      (0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0xffff)

  /// - Returns: nil when the frame is no reply of this version.
  package init?(_ frame: Frame) {
    var body = FieldReader(frame.body)
    switch frame.kind {
    case Self.kinds.done: self = .done
    case Self.kinds.status:
      guard let hasBalloon = body.next(UInt8.self), let target = body.next(UInt64.self),
        let actual = body.next(UInt64.self), hasBalloon == 1 || hasBalloon == 0 && target == 0 && actual == 0
      else { return nil }
      self = .status(GuestStatus(balloon: hasBalloon == 0 ? nil : .init(target: target, actual: actual)))
    case Self.kinds.ended:
      guard let code = body.next(UInt32.self), let value = body.next(UInt32.self) else { return nil }
      self = .ended(code: code, value: value)
    case Self.kinds.refused:
      guard let code = body.next(UInt16.self), let fault = ControlFault(rawValue: code) else { return nil }
      self = .refused(fault)
    case Self.kinds.consolePlace:
      // Shown to a person: what is no text, or would do something to a terminal, is none.
      guard !frame.body.contains(where: { $0 < 32 || $0 == 127 }),
        let place = String(validating: frame.body, as: UTF8.self)
      else { return nil }
      self = .consolePlace(place)
      return
    case Self.kinds.memory:
      guard let report = MemoryReport(&body) else { return nil }
      self = .memory(report)
    default: return nil
    }
    guard body.isAtEnd else { return nil }
  }

  package func frame(id: UInt32) -> Frame {
    var frame = Frame(kind: Self.kinds.done, id: id)
    switch self {
    case .done: break
    case .status(let status):
      frame.kind = Self.kinds.status
      frame.body.append(status.balloon == nil ? 0 : 1)
      frame.body.append(little: status.balloon?.target ?? 0)
      frame.body.append(little: status.balloon?.actual ?? 0)
    case .ended(let code, let value):
      frame.kind = Self.kinds.ended
      frame.body.append(little: code)
      frame.body.append(little: value)
    case .refused(let fault):
      frame.kind = Self.kinds.refused
      frame.body.append(little: fault.rawValue)
    case .consolePlace(let place):
      frame.kind = Self.kinds.consolePlace
      frame.body = Array(place.utf8.prefix(Frame.mostBytes))
    case .memory(let report):
      frame.kind = Self.kinds.memory
      frame.body.append(report)
    }
    return frame
  }
}
