// What goes over `console.sock`: frames as on `control.sock`, of kinds of their own.

/// What a viewer says to a guest's VMM. The first is always ``attach(_:)``.
package enum ViewerMessage: Equatable, Sendable {
  case attach(ConsoleAttachment)
  /// Typed on the console. With an id other than 0 the VMM answers ``ControlReply/done`` when the guest has taken it.
  case input([UInt8])
  /// The viewer's window has another size now.
  case window(WindowSize)
  /// From now on this viewer writes, whoever wrote before.
  case takeOver
}

package struct ConsoleAttachment: Equatable, Sendable {
  /// How much of what was said before is wanted, in bytes; there may be less.
  package var replayBytes: UInt32
  package var writing: Writing
  package var window: WindowSize

  package init(replayBytes: UInt32, writing: Writing, window: WindowSize = .unknown) {
    self.replayBytes = replayBytes
    self.writing = writing
    self.window = window
  }

  package enum Writing: UInt8, CaseIterable, Sendable {
    /// With its first key, unless another writes by then.
    case whenFree = 0
    /// From the start, whoever wrote before.
    case takesOver = 1
    case never = 2
  }
}

/// In characters.
package struct WindowSize: Equatable, Sendable {
  package var columns: UInt16
  package var rows: UInt16

  package init(columns: UInt16, rows: UInt16) {
    self.columns = columns
    self.rows = rows
  }

  /// That of a viewer without a terminal.
  package static let unknown = WindowSize(columns: 0, rows: 0)
}

/// What a VMM says to a viewer.
package enum ConsoleMessage: Equatable, Sendable {
  /// The viewer is attached; `isWritten`: another one writes.
  case attached(isWritten: Bool)
  case output([UInt8])
  case notice(ConsoleNotice)
  /// Input was taken, something was refused, or the guest has ended.
  case reply(ControlReply)
}

package enum ConsoleNotice: UInt16, CaseIterable, Sendable {
  /// This viewer writes from now on.
  case youWrite = 1
  /// Another viewer writes from now on, and this one no more.
  case takenOver
  /// What this viewer typed went nowhere: another one writes.
  case othersWrite
  /// Who wrote has gone: whoever types next writes.
  case nobodyWrites
}

extension ViewerMessage {
  private static let kinds: (attach: UInt16, input: UInt16, window: UInt16, takeOver: UInt16) =
    (0x100, 0x101, 0x102, 0x103)

  package init(_ frame: Frame) throws(ControlFault) {
    var body = FieldReader(frame.body)
    switch frame.kind {
    case Self.kinds.attach:
      guard let replayBytes = body.next(UInt32.self), let code = body.next(UInt8.self),
        let writing = ConsoleAttachment.Writing(rawValue: code), let window = WindowSize(&body)
      else { throw .malformed }
      self = .attach(ConsoleAttachment(replayBytes: replayBytes, writing: writing, window: window))
    case Self.kinds.input:
      self = .input(frame.body)
      return
    case Self.kinds.window:
      guard let window = WindowSize(&body) else { throw .malformed }
      self = .window(window)
    case Self.kinds.takeOver: self = .takeOver
    default: throw .unknownRequest
    }
    guard body.isAtEnd else { throw .malformed }
  }

  package func frame(id: UInt32 = 0) -> Frame {
    var frame = Frame(kind: Self.kinds.takeOver, id: id)
    switch self {
    case .attach(let attachment):
      frame.kind = Self.kinds.attach
      frame.body.append(little: attachment.replayBytes)
      frame.body.append(attachment.writing.rawValue)
      frame.body.append(attachment.window)
    case .input(let bytes):
      frame.kind = Self.kinds.input
      frame.body = bytes
    case .window(let window):
      frame.kind = Self.kinds.window
      frame.body.append(window)
    case .takeOver: break
    }
    return frame
  }
}

extension ConsoleMessage {
  private static let kinds: (attached: UInt16, output: UInt16, notice: UInt16) = (0x8100, 0x8101, 0x8102)

  /// - Returns: nil when the frame is no message of this version.
  package init?(_ frame: Frame) {
    var body = FieldReader(frame.body)
    switch frame.kind {
    case Self.kinds.attached:
      guard let isWritten = body.next(UInt8.self), isWritten < 2 else { return nil }
      self = .attached(isWritten: isWritten == 1)
    case Self.kinds.output:
      self = .output(frame.body)
      return
    case Self.kinds.notice:
      guard let code = body.next(UInt16.self), let notice = ConsoleNotice(rawValue: code) else { return nil }
      self = .notice(notice)
    default:
      guard let reply = ControlReply(frame) else { return nil }
      self = .reply(reply)
      return
    }
    guard body.isAtEnd else { return nil }
  }

  package func frame(id: UInt32 = 0) -> Frame {
    switch self {
    case .attached(let isWritten): Frame(kind: Self.kinds.attached, id: id, body: [isWritten ? 1 : 0])
    case .output(let bytes): Frame(kind: Self.kinds.output, id: id, body: bytes)
    case .notice(let notice):
      Frame(
        kind: Self.kinds.notice, id: id,
        body: [UInt8(truncatingIfNeeded: notice.rawValue), UInt8(truncatingIfNeeded: notice.rawValue >> 8)])
    case .reply(let reply): reply.frame(id: id)
    }
  }
}

extension WindowSize {
  fileprivate init?(_ body: inout FieldReader) {
    guard let columns = body.next(UInt16.self), let rows = body.next(UInt16.self) else { return nil }
    self.init(columns: columns, rows: rows)
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ window: WindowSize) {
    append(little: window.columns)
    append(little: window.rows)
  }
}
