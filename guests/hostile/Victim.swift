import Hardware

/// A disk with a driver that keeps to the rules only where it is told to (virtio 1.2, 5.2).
struct Victim {
  /// What the disk does about a deed.
  enum Answer {
    /// DEVICE_NEEDS_RESET (2.1.2).
    case needsReset
    /// A request's status (5.2.6).
    case done, ioError, unsupported
    /// FEATURES_OK stays clear (3.1.1, 6).
    case refused
    case nothing

    var text: StaticString {
      switch self {
      case .needsReset: "needs a reset"
      case .done: "done"
      case .ioError: "I/O error"
      case .unsupported: "unsupported"
      case .refused: "refused"
      case .nothing: "nothing"
      }
    }
  }

  static let read: UInt32 = 0
  static let write: UInt32 = 1
  /// Flags of descriptors (2.7.5).
  static let next: UInt32 = 1
  static let writable: UInt32 = 2
  static let indirect: UInt32 = 4

  let device: VirtioDevice
  let sectors: UInt64
  var queue = VirtioQueue()
  /// A request's 16 bytes, and its status behind them.
  let header = allocate(32, alignment: 32)
  let data = allocate(4096, alignment: 4096)
  var status: UInt { header + 16 }

  init(number: Int) {
    guard let device = VirtioDevice(kind: 2, number: number) else { fail("there is no disk \(number)") }
    self.device = device
    sectors = UInt64(device.configuration(0)) | UInt64(device.configuration(4)) << 32
  }

  // MARK: By the rules

  /// From a reset to a queue that is ready, and no further.
  mutating func prepare() {
    _ = device.negotiate(wanting: 0)
    queue.empty()
    device.add(queue, number: 0)
  }

  mutating func start() {
    prepare()
    device.start()
  }

  /// Describes a request in descriptors 0 to 2: header, 512 bytes of data, status.
  func describe(_ kind: UInt32, sector: UInt64 = 0) {
    mmio_write32(header, kind)
    mmio_write32(header + 4, 0)
    mmio_write32(header + 8, UInt32(truncatingIfNeeded: sector))
    mmio_write32(header + 12, UInt32(sector >> 32))
    mmio_write32(status, 0xff)
    queue.describe(0, header, count: 16, isWritable: false, next: 1)
    queue.describe(1, data, count: 512, isWritable: kind == Self.read, next: 2)
    queue.describe(2, status, count: 1, isWritable: true)
  }

  /// Offers what was described, and waits for the answer.
  mutating func offer(head: Int = 0) -> Answer {
    queue.offer(head)
    device.notify(queue: 0)
    return answer()
  }

  /// Does one request as it should be done.
  mutating func doOneRead() -> Answer {
    describe(Self.read)
    return offer()
  }

  // MARK: What comes of it

  /// Waits until the disk has answered, which it does sooner or later.
  mutating func answer() -> Answer {
    while true {
      if let answer = look() { return answer }
      pause_cpu()
    }
  }

  /// - Returns: ``Answer/nothing`` when nothing has come for many times as long as an answer takes.
  mutating func answerIfAny() -> Answer {
    for _ in 0..<2000 {
      if let answer = look() { return answer }
    }
    return .nothing
  }

  private mutating func look() -> Answer? {
    if device.read(.status) & VirtioDevice.Status.needsReset != 0 { return .needsReset }
    guard queue.takeUsed() != nil else { return nil }
    switch mmio_read32(status) & 0xff {
    case 0: return .done
    case 1: return .ioError
    case 2: return .unsupported
    default: fail("a request came back without a status")
    }
  }
}
