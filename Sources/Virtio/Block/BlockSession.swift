import GuestMemory
import Host
import Metering

/// A block device at work: takes requests off the queue, has the executor do them, and answers.
final class BlockSession {
  var rules: BlockRequest.Rules
  private let executor: any BlockExecutor
  private let meter: DiskMeter?
  /// Nil: everything goes at once.
  private var held: HeldRequests?
  private let limiter: RateLimiter?
  private let queue: Virtqueue
  private let memory: GuestMemory
  /// The data of the request that is being started.
  private var buffers: GuestVectors
  /// Requests under way, by tag, and tags that are free. Both are used again, so that nothing is made per request.
  private var slots: [Slot] = []
  private var freeTags: [Int] = []

  /// Bytes of requests that the executor has.
  private var bytesUnderWay: UInt64 = 0
  private static let mostBytesUnderWay: UInt64 = 64 << 20
  /// Bytes of requests that are started before the other devices of this thread have their turn. Some executors move
  /// them at once; and the kernel moves what is in its cache while it is asked.
  private static let mostBytesInTurn: UInt64 = 16 << 20

  private struct Slot {
    var chain: DescriptorChain
    var request = BlockRequest.refused(.unsupported, nil)
    /// When the device took it from the queue.
    var taken = Instant(nanoseconds: 0)
    /// What of ``bytesUnderWay`` is its.
    var bytesUnderWay: UInt64 = 0
    /// What it has taken of the limits' budget, as long as it is not known whether that was moved.
    var budgetBytes: UInt64 = 0
    /// What the driver gets besides the status when all went well.
    var answerBytes: UInt64 = 0
  }

  init(
    _ activation: Activation, _ executor: any BlockExecutor, _ rules: BlockRequest.Rules, _ meter: DiskMeter?,
    _ limiter: RateLimiter?
  ) {
    self.executor = executor
    self.meter = meter
    self.limiter = limiter
    held = limiter.map { HeldRequests($0, meter) }
    self.rules = rules
    queue = activation.queues[0]
    memory = activation.memory
    buffers = GuestVectors(in: activation.memory)
  }

  /// Starts what the driver offers.
  ///
  /// - Returns: whether there may be more.
  func takeRequests() throws(VirtioFault) -> Bool {
    let mayBeMore = try startRequests()
    let mustContinue = executor.submit()
    return try answerFinished() || mayBeMore || mustContinue
  }

  private func startRequests() throws(VirtioFault) -> Bool {
    try releaseHeld()
    var bytes: UInt64 = 0
    for _ in 0..<queue.size {
      // What is under way a reset has to wait for. When some of it has finished, others follow.
      guard bytesUnderWay < Self.mostBytesUnderWay else { return false }
      let tag = takeTag()
      guard try queue.next(into: &slots[tag].chain) else {
        freeTags.append(tag)
        return false
      }
      try begin(tag)
      bytes += slots[tag].request.flow?.bytes ?? 0
      // The other devices of this thread come first.
      if slots[tag].request.isClearing || bytes >= Self.mostBytesInTurn { break }
    }
    return queue.isInUse
  }

  /// Answers what has finished meanwhile.
  ///
  /// - Returns: whether there is more to do that no event will tell of.
  func answerFinished() throws(VirtioFault) -> Bool {
    let wasFull = bytesUnderWay >= Self.mostBytesUnderWay
    while let (tag, status) = executor.takeFinished() { try finish(tag, status) }
    // What has finished may have let others go on.
    let mustContinue = executor.submit()
    return mustContinue || wasFull && bytesUnderWay < Self.mostBytesUnderWay
  }

  /// Waits until nothing is under way any more. None of it is answered, and the meter and the budget have what was done
  /// of it: or a guest could have its disk for nothing.
  func drain() {
    for request in executor.drain() {
      settleBudget(request)
      if request.isDone {
        count(slots[request.tag], .ok)
      } else if let (direction, _) = slots[request.tag].request.flow {
        meter?.countMoved(direction, bytes: request.movedBytes)
      }
    }
    bytesUnderWay = 0
    for tag in slots.indices {
      slots[tag].bytesUnderWay = 0
      // The executor never had it: a buffer, of it or of one before it, was nowhere in the guest's memory.
      giveBack(tag)
    }
    freeTags = Array(slots.indices)
    held = limiter.map { HeldRequests($0, meter) }
  }

  /// When requests that the limits hold back may go on; nil when there are none.
  var wakeAt: Instant? { held?.wakeAt }

  /// Starts those whose time has come.
  private func releaseHeld() throws(VirtioFault) {
    guard held?.wakeAt != nil, let released = held?.release(at: .now) else { return }
    for (request, isAllowed) in released where isAllowed { slots[request.tag].budgetBytes = request.bytes }
    for (request, isAllowed) in released {
      if isAllowed { try start(request.tag) } else { try finish(request.tag, .ioError) }
    }
  }

  private func takeTag() -> Int {
    if let tag = freeTags.popLast() { return tag }
    slots.append(Slot(chain: DescriptorChain(in: memory)))
    return slots.count - 1
  }

  private func begin(_ tag: Int) throws(VirtioFault) {
    let request = try BlockRequest(parsing: slots[tag].chain, rules)
    slots[tag].request = request
    slots[tag].taken = .now
    slots[tag].answerBytes = 0
    if held != nil, let (direction, bytes) = request.cost(to: executor.backend) {
      switch held?.admit(.init(tag: tag, direction: direction, bytes: bytes), at: slots[tag].taken) {
      case .now: slots[tag].budgetBytes = bytes
      case nil: break
      case .later: return
      case .never: return try finish(tag, .ioError)
      }
    }
    try start(tag)
  }

  private func start(_ tag: Int) throws(VirtioFault) {
    let request = slots[tag].request
    buffers.removeAll()
    switch request {
    case .refused(let status, _):
      return try finish(tag, status)
    case .identify:
      try answerIdentity(slots[tag].chain)
      slots[tag].answerBytes = BlockRequest.identityBytes
      return try finish(tag, .ok)
    case .read(_, let count):
      slots[tag].answerBytes = count
      try collect(tag, .writable, at: 0, count: count)
    case .write(_, let count, _):
      try collect(tag, .readable, at: BlockRequest.headerBytes, count: count)
    case .flush, .discard, .writeZeroes: break
    }
    slots[tag].bytesUnderWay = request.flow?.bytes ?? 0
    bytesUnderWay += slots[tag].bytesUnderWay
    // SAFETY: the list is for the kernel, as `BlockExecutor.start` has it.
    let status = unsafe buffers.withVectors { vectors in unsafe executor.start(request, tag: tag, vectors) }
    if let status { try finish(tag, status) }
  }

  private func collect(
    _ tag: Int, _ part: DescriptorChain.Part, at offset: UInt64, count: UInt64
  ) throws(VirtioFault) {
    try slots[tag].chain.forEachRange(part, at: offset, count: count) { range throws(VirtioFault) in
      try VirtioFault.accessing { () throws(GuestMemoryError) in try buffers.append(range) }
    }
  }

  /// Up to 20 bytes of ASCII, filled up with zeros (5.2.6).
  private func answerIdentity(_ chain: DescriptorChain) throws(VirtioFault) {
    var bytes = Array(executor.backend.serial.prefix(Int(BlockRequest.identityBytes)))
    bytes += [UInt8](repeating: 0, count: Int(BlockRequest.identityBytes) - bytes.count)
    // SAFETY: bytes have no padding.
    unsafe try chain.write(bytes.span.bytes, at: 0)
  }

  /// The status is the last byte that the driver gave. Where what comes before it was not written, the driver must not
  /// be told so (2.7.8.2).
  private func finish(_ tag: Int, _ status: BlockStatus) throws(VirtioFault) {
    let statusOffset = slots[tag].chain.writableBytes - 1
    settleBudget(tag, status)
    count(slots[tag], status)
    try slots[tag].chain.store(status.rawValue, at: statusOffset)
    let answered = status == .ok ? slots[tag].answerBytes : 0
    try queue.use(slots[tag].chain, written: answered == statusOffset ? answered + 1 : answered)
    bytesUnderWay -= slots[tag].bytesUnderWay
    slots[tag].bytesUnderWay = 0
    freeTags.append(tag)
  }

  /// A read that failed takes nothing of the budget: where it goes was checked, so that only the host can make it fail.
  ///
  /// Writes, and zeros, stay counted when they fail: how far they came nobody says, and a guest can bring that about.
  /// Where it has filled the host's file system, a write that ends in a place that is not allocated fails each time,
  /// and all before its end would be written for nothing.
  private func settleBudget(_ tag: Int, _ status: BlockStatus) {
    if status != .ok, case .read = slots[tag].request { giveBack(tag) }
    slots[tag].budgetBytes = 0
  }

  /// What was given up takes as much of the budget as it has moved. Zeros stay counted, as nobody says how many were
  /// written: maybe all, and only the sync is missing.
  private func settleBudget(_ request: DrainedRequest) {
    let moved = request.isDone || slots[request.tag].request.flow == nil ? .max : request.movedBytes
    slots[request.tag].budgetBytes -= min(slots[request.tag].budgetBytes, moved)
    giveBack(request.tag)
  }

  private func giveBack(_ tag: Int) {
    guard slots[tag].budgetBytes > 0 else { return }
    limiter?.giveBack(bytes: slots[tag].budgetBytes)
    slots[tag].budgetBytes = 0
  }

  private func count(_ slot: Slot, _ status: BlockStatus) {
    guard let meter else { return }
    guard status == .ok else {
      if let direction = slot.request.direction { meter.countFailure(direction) }
      return
    }
    switch slot.request {
    case .flush: return meter.countFlush()
    case .discard, .writeZeroes: return meter.countDiscard()
    case .read, .write, .identify, .refused: break
    }
    guard let (direction, bytes) = slot.request.flow else { return }
    meter.count(direction, bytes: bytes, latency: Instant.now.nanoseconds(since: slot.taken))
  }
}
