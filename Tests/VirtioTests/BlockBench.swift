import Glibc
import Host
import Metering
import Virtio

/// A disk in an array, which keeps apart what a crash would lose.
///
/// Sendable because the tests and its device share one thread: a test looks at it between calls.
final class ArrayDisk: BlockBackend, @unchecked Sendable {
  private(set) var bytes: [UInt8]
  private(set) var durable: [UInt8]
  private(set) var calls: [String] = []
  let isReadOnly: Bool
  let preferredBytes: UInt32 = 4096
  let discardBytes: UInt32 = 16384
  let serial: [UInt8] = Array("a-house-of-its-own".utf8)
  var fails = false

  init(sectors: Int, isReadOnly: Bool = false) {
    bytes = (0..<512 * sectors).map { UInt8(truncatingIfNeeded: $0 / 512 &* 7 &+ $0) }
    durable = bytes
    self.isReadOnly = isReadOnly
  }

  var byteCount: UInt64 { UInt64(bytes.count) }

  func read(_ buffers: UnsafeBufferPointer<iovec>, at offset: UInt64) throws(BlockFailure) {
    try note("read")
    var place = Int(offset)
    // SAFETY: in a test nobody else writes to the buffers, which the queue has checked.
    for unsafe buffer in unsafe buffers {
      unsafe UnsafeMutableRawBufferPointer(start: buffer.iov_base, count: buffer.iov_len)
        .copyBytes(from: bytes[place..<place + buffer.iov_len])
      unsafe place += buffer.iov_len
    }
  }

  func write(_ buffers: UnsafeBufferPointer<iovec>, at offset: UInt64) throws(BlockFailure) {
    try note("write")
    var place = Int(offset)
    // SAFETY: as for `read`.
    for unsafe buffer in unsafe buffers {
      unsafe bytes.replaceSubrange(
        place..<place + buffer.iov_len, with: UnsafeRawBufferPointer(start: buffer.iov_base, count: buffer.iov_len))
      unsafe place += buffer.iov_len
    }
  }

  func flush() throws(BlockFailure) {
    try note("flush")
    durable = bytes
  }

  func discard(at offset: UInt64, count: UInt64) throws(BlockFailure) { try note("discard \(offset) \(count)") }

  func writeZeroes(at offset: UInt64, count: UInt64, mayUnmap: Bool) throws(BlockFailure) {
    try note("zeroes \(offset) \(count) \(mayUnmap)")
    for index in Int(offset)..<Int(offset + count) { bytes[index] = 0 }
  }

  func bytesToZero(at offset: UInt64, count: UInt64) -> UInt64 { 0 }

  private func note(_ call: String) throws(BlockFailure) {
    calls.append(call)
    if fails { throw BlockFailure() }
  }
}

/// Finishes requests when the test says so, the last first.
///
/// Sendable for the same reason.
final class DelayingExecutor: BlockExecutor, @unchecked Sendable {
  private let inner: SynchronousBlockExecutor
  private let event = try! EventFD()
  private var finished: [(tag: Int, status: BlockStatus)] = []
  private var visible = 0

  init(_ backend: any BlockBackend) { inner = SynchronousBlockExecutor(backend) }

  var backend: any BlockBackend { inner.backend }
  var finishedSource: Int32? { event.number }
  var started: Int { finished.count }

  func start(_ request: BlockRequest, tag: Int, _ buffers: UnsafeBufferPointer<iovec>) -> BlockStatus? {
    // SAFETY: the list is handed on during the call.
    finished.append((tag, unsafe inner.start(request, tag: tag, buffers)!))
    return nil
  }

  func submit() -> Bool { false }

  func finish(_ count: Int) {
    visible += count
    event.signal()
  }

  func takeFinished() -> (tag: Int, status: BlockStatus)? {
    guard visible > 0, !finished.isEmpty else {
      event.drain()
      return nil
    }
    visible -= 1
    return finished.removeLast()
  }

  func drain() -> [DrainedRequest] {
    defer { (finished, visible) = ([], 0) }
    return finished.map { DrainedRequest(tag: $0.tag, isDone: $0.status == .ok, movedBytes: 0) }
  }
}

/// A driver for block devices.
final class BlockBench {
  let driver: MockDriver
  static let header: UInt64 = 0x2_0000
  static let data: UInt64 = 0x3_0000
  static let status: UInt64 = 0x2_1000

  init(
    _ executor: sending any BlockExecutor, features: Features = .block, queueSize: UInt16 = 16, hasCache: Bool = true,
    meter: DiskMeter? = nil, limiter: RateLimiter? = nil
  ) throws {
    driver = try MockDriver(Block(executor, hasCache: hasCache, meter: meter, limiter: limiter))
    try driver.start(features.intersection(driver.offered), queueSize: queueSize)
  }

  convenience init(_ disk: ArrayDisk, features: Features = .block) throws {
    try self.init(SynchronousBlockExecutor(disk), features: features)
  }

  static func headerBytes(_ type: UInt32, _ sector: UInt64) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: type >> (8 * $0)) } + [0, 0, 0, 0]
      + (0..<8).map { UInt8(truncatingIfNeeded: sector >> (8 * UInt64($0))) }
  }

  /// Puts a request on the queue; `slot` tells the places of several apart.
  func offer(_ type: UInt32, sector: UInt64 = 0, _ data: [DriverQueue.Buffer] = [], slot: UInt64 = 0) {
    driver.put(Self.headerBytes(type, sector), at: Self.header + 64 * slot)
    driver.put([0xff], at: Self.status + slot)
    driver.queues[0].offer(
      [.readable(Self.header + 64 * slot, 16)] + data + [.writable(Self.status + slot, 1)])
  }

  /// Offers a request and waits for its answer.
  func run(_ type: UInt32, sector: UInt64 = 0, _ data: [DriverQueue.Buffer] = []) -> (status: UInt8, written: UInt32)? {
    offer(type, sector: sector, data)
    driver.kick()
    guard let answer = driver.queues[0].takeUsed() else { return nil }
    return (driver.bytes(Self.status, 1)[0], answer.written)
  }

  func runSegment(_ type: UInt32, sector: UInt64, count: UInt32, flags: UInt32 = 0) -> UInt8? {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: sector >> (8 * UInt64($0))) }
      + [count, flags].flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    driver.put(bytes, at: Self.data)
    return run(type, [.readable(Self.data, 16)])?.status
  }
}

extension Features {
  static let block = Features.common.union(Features(rawValue: 0xffff))
}
