import GuestMemory

/// The state of a device's control registers (virtio 1.2, 4.2.2) as a plain value: what it is wired to is in
/// ``MMIOTransport``.
struct MMIORegisters: Equatable, Sendable {
  /// Offsets from the window's start. Those that need no state, or no lock, are the transport's.
  enum Register: UInt64 {
    case magicValue = 0x000, version = 0x004, deviceID = 0x008, vendorID = 0x00c
    case deviceFeatures = 0x010, deviceFeaturesSel = 0x014, driverFeatures = 0x020, driverFeaturesSel = 0x024
    case queueSel = 0x030, queueNumMax = 0x034, queueNum = 0x038, queueReady = 0x044, queueNotify = 0x050
    case interruptStatus = 0x060, interruptACK = 0x064, status = 0x070
    case queueDescLow = 0x080, queueDescHigh = 0x084, queueDriverLow = 0x090, queueDriverHigh = 0x094
    case queueDeviceLow = 0x0a0, queueDeviceHigh = 0x0a4
    case shmSel = 0x0ac, shmLenLow = 0x0b0, shmLenHigh = 0x0b4, shmBaseLow = 0x0b8, shmBaseHigh = 0x0bc
    case queueReset = 0x0c0, configGeneration = 0x0fc
  }

  /// The device status field (2.1).
  struct Status: OptionSet, Equatable, Sendable {
    let rawValue: UInt8
    static let acknowledge = Status(rawValue: 1)
    static let driver = Status(rawValue: 2)
    static let driverOK = Status(rawValue: 4)
    static let featuresOK = Status(rawValue: 8)
    static let needsReset = Status(rawValue: 64)
    static let failed = Status(rawValue: 128)
  }

  /// What a driver says about a queue. Nothing of it is believed before ``isReady``.
  struct Queue: Equatable, Sendable {
    let maximumSize: UInt16
    var size: UInt32 = 0
    var descriptors: UInt64 = 0
    var available: UInt64 = 0
    var used: UInt64 = 0
    var isReady = false
  }

  /// What the transport has to do after a write.
  enum Effect: Equatable {
    case none
    case reset
    /// FEATURES_OK was written: is the choice good?
    case negotiate
    case driverOK
    /// The driver has given up.
    case failed
    /// Check a queue's layout, and use it from DRIVER_OK on.
    case enableQueue(Int)
    case disableQueue(Int)
    case fault(VirtioFault)
  }

  private static let magic: UInt32 = 0x7472_6976  // "virt"
  private static let vendor: UInt32 = 0x5357_4f52  // "ROWS"

  let kind: DeviceKind
  let offered: Features
  private(set) var status: Status = []
  private(set) var driverFeatures = Features()
  /// The driver wants a feature of number 64 or more, of which there are none.
  private(set) var wantsUnknownFeatures = false
  private var deviceFeaturesWord: UInt32 = 0
  private var driverFeaturesWord: UInt32 = 0
  private var selectedQueue: UInt32 = 0
  private(set) var queues: [Queue]
  private var configGeneration: UInt32 = 0

  init(kind: DeviceKind, offered: Features, queueSizes: [UInt16]) {
    self.kind = kind
    self.offered = offered
    queues = queueSizes.map { Queue(maximumSize: $0) }
  }

  /// Whether the device is to work: the driver is ready, and nothing has gone wrong.
  var isLive: Bool { status.contains(.driverOK) && status.isDisjoint(with: [.needsReset, .failed]) }

  // MARK: Access by the driver

  func read(_ register: Register) -> UInt32 {
    switch register {
    case .magicValue: Self.magic
    case .version: 2
    case .deviceID: kind.rawValue
    case .vendorID: Self.vendor
    // A shift by more than 63 bits gives zero: no further word has a feature in it.
    case .deviceFeatures: UInt32(truncatingIfNeeded: offered.rawValue >> (32 * UInt64(deviceFeaturesWord)))
    case .queueNumMax: queue.map { UInt32(queues[$0].maximumSize) } ?? 0
    case .queueReady: queue.map { queues[$0].isReady ? 1 : 0 } ?? 0
    case .status: UInt32(status.rawValue)
    // There is no shared memory: length and base of every region are all ones (4.2.2, SHMLenLow and SHMBaseLow).
    case .shmLenLow, .shmLenHigh, .shmBaseLow, .shmBaseHigh: .max
    // A queue is reset by the time that the write of 1 returns.
    case .queueReset: 0
    case .configGeneration: configGeneration
    default: 0
    }
  }

  mutating func write(_ register: Register, _ value: UInt32) -> Effect {
    switch register {
    case .deviceFeaturesSel: deviceFeaturesWord = value
    case .driverFeaturesSel: driverFeaturesWord = value
    case .driverFeatures: setDriverFeatures(value)
    case .queueSel: selectedQueue = value
    case .queueNum: return configureQueue { $0.size = value }
    case .queueDescLow: return configureQueue { $0.descriptors.setLow(value) }
    case .queueDescHigh: return configureQueue { $0.descriptors.setHigh(value) }
    case .queueDriverLow: return configureQueue { $0.available.setLow(value) }
    case .queueDriverHigh: return configureQueue { $0.available.setHigh(value) }
    case .queueDeviceLow: return configureQueue { $0.used.setLow(value) }
    case .queueDeviceHigh: return configureQueue { $0.used.setHigh(value) }
    case .queueReady: return setQueueReady(value)
    case .queueReset: return resetQueue(value)
    case .status: return setStatus(value)
    default: break
    }
    return .none
  }

  /// The selected queue, if it exists.
  private var queue: Int? { queues.indices.contains(Int(selectedQueue)) ? Int(selectedQueue) : nil }

  private mutating func setDriverFeatures(_ value: UInt32) {
    // Once agreed on, features stay (3.1.1, step 5).
    guard !status.contains(.featuresOK) else { return }
    guard driverFeaturesWord < 2 else {
      if value != 0 { wantsUnknownFeatures = true }
      return
    }
    var bits = driverFeatures.rawValue
    if driverFeaturesWord == 0 { bits.setLow(value) } else { bits.setHigh(value) }
    driverFeatures = Features(rawValue: bits)
  }

  /// A driver must leave these registers alone while the queue is in use (4.2.2.2). The device uses a checked copy, so
  /// the write could do nothing; but this driver believes that its queue is now somewhere else.
  private mutating func configureQueue(_ change: (inout Queue) -> Void) -> Effect {
    guard let queue else { return .none }
    guard !queues[queue].isReady else { return .fault(.liveQueueChanged) }
    change(&queues[queue])
    return .none
  }

  private mutating func setQueueReady(_ value: UInt32) -> Effect {
    // Which features a queue has must be settled before it is used (3.1.1, step 7 comes after 5).
    guard let queue, status.contains(.featuresOK) else { return .none }
    let wasReady = queues[queue].isReady
    queues[queue].isReady = value & 1 != 0
    return queues[queue].isReady == wasReady ? .none : wasReady ? .disableQueue(queue) : .enableQueue(queue)
  }

  private mutating func resetQueue(_ value: UInt32) -> Effect {
    guard let queue, value & 1 != 0, status.contains(.featuresOK), driverFeatures.contains(.ringReset),
      queues[queue].isReady
    else { return .none }
    queues[queue] = Queue(maximumSize: queues[queue].maximumSize)
    return .disableQueue(queue)
  }

  /// The driver only ever adds bits, until it resets the device by writing zero (2.1.1).
  private mutating func setStatus(_ value: UInt32) -> Effect {
    if value == 0 { return .reset }
    let new = Status(rawValue: UInt8(truncatingIfNeeded: value)).subtracting(status)
    status.formUnion(new.intersection([.acknowledge, .driver, .failed]))
    if new.contains(.failed) { return .failed }
    if new.contains(.featuresOK) { return .negotiate }
    // A driver that skips the negotiation is not heard (3.1.1).
    guard new.contains(.driverOK), status.contains(.featuresOK) else { return .none }
    status.insert(.driverOK)
    return .driverOK
  }

  // MARK: Changes by the device

  /// Everything as after power on, but for the generation: a driver may be in the middle of reading.
  mutating func reset() {
    let generation = configGeneration
    self = MMIORegisters(kind: kind, offered: offered, queueSizes: queues.map(\.maximumSize))
    configGeneration = generation
  }

  /// FEATURES_OK stays set: the sign that the driver looks for (3.1.1, step 6).
  mutating func acceptFeatures() { status.insert(.featuresOK) }

  mutating func demandReset() { status.insert(.needsReset) }

  mutating func configurationChanged() { configGeneration &+= 1 }
}

extension UInt64 {
  fileprivate mutating func setLow(_ word: UInt32) { self = (self & ~0xffff_ffff) | UInt64(word) }
  fileprivate mutating func setHigh(_ word: UInt32) { self = (self & 0xffff_ffff) | UInt64(word) << 32 }
}
