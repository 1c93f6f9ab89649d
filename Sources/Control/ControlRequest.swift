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
  /// Change what the guest may use.
  ///
  /// - value: 0 takes a limit away.
  case allot(AllotmentItem, value: UInt64)
  /// Bring the meter up to date.
  case sample
  /// Where is the console's end on the host?
  case consolePlace
  /// What does the guest's kernel say of its memory? Answered when it has said it, however long that takes.
  case memory
}

/// A number of a guest's allotment.
package struct AllotmentItem: Equatable, Sendable {
  package enum Group: UInt8, CaseIterable, Sendable {
    /// Items as ``CPUItem`` has them.
    case cpu
    /// Items as `RateLimits.Item` has them.
    case disk, network
  }

  package enum CPUItem: UInt8, Sendable {
    /// In hundredths of a per cent.
    case quota
    /// In nanoseconds.
    case period, burst
    /// 1 to 10,000.
    case weight
  }

  package var group: Group
  /// Which of the guest's disks or network cards, from 0.
  package var index: UInt16
  package var item: UInt8

  package init(_ group: Group, index: UInt16 = 0, item: UInt8) {
    self.group = group
    self.index = index
    self.item = item
  }

  package init(_ item: CPUItem) { self.init(.cpu, item: item.rawValue) }
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
      guard let code = body.next(UInt8.self), let group = AllotmentItem.Group(rawValue: code),
        let index = body.next(UInt16.self), let item = body.next(UInt8.self), let value = body.next(UInt64.self)
      else { throw .malformed }
      self = .allot(AllotmentItem(group, index: index, item: item), value: value)
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
    case .allot(let item, let value):
      kind = 16
      body.append(little: item.group.rawValue)
      body.append(little: item.index)
      body.append(little: item.item)
      body.append(little: value)
    case .sample: kind = 17
    case .consolePlace: kind = 18
    case .memory: kind = 19
    }
    return Frame(kind: kind, id: id, body: body)
  }
}
