import Hardware

/// A driver for virtio block devices (virtio 1.2, 5.2), with up to `BlockDevice.depth` requests under way.
struct BlockDevice {
  enum Feature {
    static let readOnly: UInt64 = 1 << 5
    static let flush: UInt64 = 1 << 9
    static let writeZeroes: UInt64 = 1 << 14
  }

  enum Kind: UInt32 {
    case read = 0
    case write = 1
    case flush = 4
    case identify = 8
    case writeZeroes = 13
    /// None that there is.
    case unknown = 99
  }

  /// A request's last byte.
  enum Status {
    static let ok: UInt32 = 0
    static let ioError: UInt32 = 1
    static let unsupported: UInt32 = 2
  }

  static let depth = 8
  /// The most data of a request.
  static let mostBytes = 16 << 10
  static let sectorBytes = 512
  /// Behind the guest's image, and the most that lies there.
  private static let commonBuffer: UInt = 32 << 20
  static let mostRepeatedBytes = 1 << 20

  let device: VirtioDevice
  let offered: UInt64
  let sectors: UInt64
  private var queue = VirtioQueue()
  /// For each slot a header of 16 bytes, and a status in a word of its own.
  private let headers = allocate(32 * depth, alignment: 32)
  private let buffers = allocate(mostBytes * depth, alignment: 4096)

  init(number: Int) {
    guard let device = VirtioDevice(kind: 2, number: number) else { fail("there is no disk \(number)") }
    self.device = device
    offered = device.negotiate(wanting: Feature.readOnly | Feature.flush | Feature.writeZeroes)
    sectors = UInt64(device.configuration(0)) | UInt64(device.configuration(4)) << 32
    device.add(queue, number: 0)
    device.start()
  }

  /// The data of a slot's request.
  func buffer(_ slot: Int) -> UInt { buffers + UInt(slot * Self.mostBytes) }

  /// Does requests of one size at the disk's start, `depth` at once and then the next as many, with as little work of
  /// the driver's as there can be. What is moved is whatever lies in memory from 32 MiB on, all requests' the same.
  ///
  /// - Parameter kinds: that take turns.
  /// - Returns: whether all went well.
  mutating func repeatRequests(_ kinds: (Kind, Kind), rounds: UInt64, bytes: Int) -> Bool {
    for slot in 0..<Self.depth {
      describe(slot % 2 == 0 ? kinds.0 : kinds.1, slot: slot, sector: 0, data: Self.commonBuffer, bytes: bytes)
    }
    queue.fillRing(count: Self.depth) { 3 * $0 }
    for _ in 0..<rounds {
      queue.offerNext(Self.depth)
      device.notify(queue: 0)
      while !queue.takeAll() { pause_cpu() }
      // The last one's stands for its round: what fails does so for all.
      guard mmio_read32(headers + UInt(32 * (Self.depth - 1)) + 16) & 0xff == Status.ok else { return false }
    }
    return true
  }

  /// Starts a request in a slot that is free. Three descriptors belong to each: header, data, status.
  mutating func start(_ kind: Kind, slot: Int, sector: UInt64 = 0, bytes: Int = 0) {
    describe(kind, slot: slot, sector: sector, data: buffer(slot), bytes: bytes)
    queue.offer(3 * slot)
    device.notify(queue: 0)
  }

  private func describe(_ kind: Kind, slot: Int, sector: UInt64, data: UInt, bytes: Int) {
    let header = headers + UInt(32 * slot)
    mmio_write32(header, kind.rawValue)
    mmio_write32(header + 4, 0)
    mmio_write32(header + 8, UInt32(truncatingIfNeeded: sector))
    mmio_write32(header + 12, UInt32(sector >> 32))
    mmio_write32(header + 16, 0xff)
    let first = 3 * slot
    let status = first + 2
    queue.describe(first, header, count: 16, isWritable: false, next: bytes > 0 ? first + 1 : status)
    if bytes > 0 {
      let isWritable = kind == .read || kind == .identify
      queue.describe(first + 1, data, count: bytes, isWritable: isWritable, next: status)
    }
    queue.describe(status, header + 16, count: 1, isWritable: true)
  }

  /// Waits for any request to finish.
  mutating func finish() -> (slot: Int, status: UInt32) {
    while true {
      if let (head, _) = queue.takeUsed() {
        let slot = head / 3
        return (slot, mmio_read32(headers + UInt(32 * slot) + 16) & 0xff)
      }
      pause_cpu()
    }
  }

  /// Does one request while no other is under way, in slot 0.
  ///
  /// - Returns: its status.
  mutating func run(_ kind: Kind, sector: UInt64 = 0, bytes: Int = 0) -> UInt32 {
    start(kind, slot: 0, sector: sector, bytes: bytes)
    return finish().status
  }
}
