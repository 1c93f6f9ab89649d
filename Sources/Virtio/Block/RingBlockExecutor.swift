import DiskImage
import Glibc
import Host

/// Does requests through io_uring: the kernel moves the data, many requests at once, while the guest and the I/O thread go
/// on.
///
/// A request that cannot begin yet, since an image's tables are being changed, waits in line, and those that come after it
/// behind it. So none is left behind, and none waits for one that came later.
///
/// Should the kernel refuse all further requests, which a filter for system calls can bring about at any time, plain
/// calls do what is left to do.
package final class RingBlockExecutor: BlockExecutor {
  package var backend: any BlockBackend { diskBackend }
  package var finishedSource: Int32? { ring.number }

  private let diskBackend: DiskBackend
  private let ring: any RequestRing
  /// By tag.
  private var operations: [BlockOperation] = []
  /// The tags of requests that wait, and of those whose status is known.
  private var line: [Int] = []
  private var finished: [(tag: Int, status: BlockStatus)] = []
  /// How many requests were prepared for the kernel and have not finished.
  private var underWay = 0
  /// The tags of those that it was not given yet, in order.
  private var unsent: [Int] = []
  /// Why the kernel takes no more requests.
  private var refusal: SystemCallError?
  /// Blocks were emptied since the last ``submit()``: once is enough, as others wait for this thread.
  private var hasCleared = false
  /// Bytes of requests that have left the line since then: of these too there is an end.
  private var bytesFromLine = 0
  private static let mostBytesFromLine = 16 << 20
  /// Nobody wants to hear of any request any more.
  private var isDraining = false
  /// A flush of tables goes on: nothing else may.
  private var isFlushingTables = false
  /// Nil: the kernel does all writes.
  private var promptWrites: PromptWrites?

  private var disk: Disk { diskBackend.disk }

  /// - Parameter promptWrites: which writes to the host's page cache this does at once; nil for none.
  /// - Throws: where the host has no io_uring, or does not allow it.
  package convenience init(_ backend: DiskBackend, promptWrites: PromptWrites? = nil) throws(SystemCallError) {
    self.init(backend, try IOUring(entries: UInt32(Block.queueSize)), promptWrites: promptWrites)
  }

  init(_ backend: DiskBackend, _ ring: any RequestRing, promptWrites: PromptWrites? = nil) {
    diskBackend = backend
    self.ring = ring
    self.promptWrites = promptWrites
  }

  deinit { _ = drain() }

  /// How far a request has come.
  private enum Progress {
    case finished(BlockStatus)
    case underWay
    /// It has to wait in line.
    case waiting
  }

  // MARK: Requests

  package func start(_ request: BlockRequest, tag: Int, _ buffers: UnsafeBufferPointer<iovec>) -> BlockStatus? {
    while operations.count <= tag { operations.append(BlockOperation()) }
    // SAFETY: the list is copied during the call; the guest's memory that it names stays until the machine ends.
    unsafe operations[tag].begin(request, buffers)
    guard line.isEmpty, !isFlushingTables else {
      line.append(tag)
      return nil
    }
    switch proceed(tag) {
    case .finished(let status): return status
    case .underWay: return nil
    case .waiting:
      line.append(tag)
      return nil
    }
  }

  package func submit() -> Bool {
    promptWrites?.beginTurn()
    sendOff()
    let isStuck = !unsent.isEmpty && unsent.count == underWay
    let isHeldUp = !line.isEmpty && (hasCleared && mayChangeTables || bytesFromLine >= Self.mostBytesFromLine)
    hasCleared = false
    bytesFromLine = 0
    return isStuck || isHeldUp
  }

  private func sendOff() {
    guard !unsent.isEmpty else { return }
    do throws(SystemCallError) {
      unsent.removeFirst(try ring.submit())
    } catch where [.again, .busy, .interrupted].contains(error.errno) {
      // The next time, which is when something has finished, or soon.
    } catch {
      refuse(error)
    }
  }

  private func refuse(_ error: SystemCallError) {
    refusal = error
    let lost = unsent
    unsent = []
    for tag in lost {
      underWay -= 1
      if operations[tag].transfer == nil {
        settle(tag, attempt(flushAnew))
      } else {
        settle(tag, kernelFinished(tag, -error.errno.rawValue))
      }
    }
  }

  package func takeFinished() -> (tag: Int, status: BlockStatus)? {
    if finished.isEmpty { collect() }
    return finished.popLast()
  }

  package func drain() -> [DrainedRequest] {
    // What has not begun never does, and what has gets no further than the kernel is with it.
    isDraining = true
    defer { isDraining = false }
    var waiting = line
    line = []
    while underWay > 0 {
      sendOff()
      if underWay > unsent.count { ring.wait() } else if underWay > 0 { usleep(1000) }
      collect()
    }
    waiting += line
    defer { (line, finished) = ([], []) }
    return finished.map { drained($0.tag, isDone: $0.status == .ok) } + waiting.map { drained($0, isDone: false) }
  }

  private func drained(_ tag: Int, isDone: Bool) -> DrainedRequest {
    DrainedRequest(tag: tag, isDone: isDone, movedBytes: operations[tag].movedBytes)
  }

  /// Takes what the kernel has finished, and lets those in line go on.
  private func collect() {
    while let completion = ring.next() {
      let tag = Int(completion.tag)
      underWay -= 1
      settle(tag, kernelFinished(tag, completion.result))
    }
    while let tag = line.first, !isFlushingTables, !(hasCleared && operations[tag].request.isClearing),
      bytesFromLine < Self.mostBytesFromLine
    {
      let bytes = operations[tag].segments.count
      let progress = proceed(tag)
      // What still has to wait is no reason to come back soon.
      if case .waiting = progress { break }
      bytesFromLine += bytes
      line.removeFirst()
      settle(tag, progress)
    }
  }

  private func settle(_ tag: Int, _ progress: Progress) {
    switch progress {
    case .finished(let status): finished.append((tag, status))
    case .underWay: break
    case .waiting: line.append(tag)
    }
  }

  // MARK: One request

  /// Begins a request, or goes on with it after a transfer.
  private func proceed(_ tag: Int) -> Progress {
    let operation = operations[tag]
    return attempt { () throws(ImageError) in
      switch operation.request {
      case .read, .write: return try move(tag)
      case .flush: return try flush(tag)
      case .discard(let offset, let count):
        guard mayChangeTables else { return .waiting }
        hasCleared = true
        try disk.discard(at: offset, count: count)
        return .finished(.ok)
      case .writeZeroes(let offset, let count, let mayUnmap, let isDurable):
        guard mayChangeTables else { return .waiting }
        hasCleared = true
        try disk.zero(at: offset, count: count, keepingRoom: !mayUnmap)
        return try isDurable ? makeDurable(tag) : .finished(.ok)
      case .identify, .refused: return .finished(.unsupported)
      }
    }
  }

  private var mayChangeTables: Bool { underWay == 0 || !disk.hasTables }

  private func attempt(_ action: () throws(ImageError) -> Progress) -> Progress {
    do throws(ImageError) { return try action() } catch {
      diskBackend.report(error)
      return .finished(.ioError)
    }
  }

  /// Hands the next transfer of a read or write to the kernel, or does it at once.
  private func move(_ tag: Int) throws(ImageError) -> Progress {
    let operation = operations[tag]
    while true {
      switch try nextStep(operation) {
      case .busy: return .waiting
      case .transfer(let transfer):
        guard isForPlainCall(transfer, operation) else {
          operation.begin(transfer)
          try enqueueTransfer(tag)
          return .underWay
        }
        try moveAtOnce(operation, transfer)
      case .done:
        return operation.mustBeDurable ? try makeDurable(tag) : .finished(.ok)
      }
    }
  }

  private func isForPlainCall(_ transfer: Disk.Transfer, _ operation: BlockOperation) -> Bool {
    if refusal != nil { return true }
    // Memory that is not aligned as direct I/O wants it is copied.
    if transfer.file.isDirect { return !operation.segments.isAligned(to: DiskFile.directUnit) }
    return operation.isWrite && promptWrites?.permits(bytes: operation.byteCount, at: .now) == true
  }

  private func nextStep(_ operation: BlockOperation) throws(ImageError) -> Disk.Step {
    if operation.isWrite { return try disk.nextWrite(&operation.segments, at: &operation.offset) }
    return try disk.nextRead(into: &operation.segments, at: &operation.offset)
  }

  private func moveAtOnce(_ operation: BlockOperation, _ transfer: Disk.Transfer) throws(ImageError) {
    if operation.isWrite {
      let start = Instant.now
      defer { promptWrites?.note(from: start, to: .now) }
      do throws(ImageError) { try transfer.write(operation.segments) } catch {
        disk.abandon(transfer)
        throw error
      }
      try disk.complete(transfer)
    } else {
      try transfer.read(into: operation.segments)
    }
    operation.advance(transfer.count)
  }

  private func enqueueTransfer(_ tag: Int) throws(ImageError) {
    let operation = operations[tag]
    guard let transfer = operation.transfer else { return }
    let file = transfer.file.dataNumber
    do throws(SystemCallError) {
      if let refusal { throw refusal }
      // SAFETY: the operation keeps the list until the request has finished, and the guest's memory stays longer.
      let pieces = unsafe operation.listPieces()
      if operation.isWrite {
        unsafe try ring.write(file, from: pieces, at: operation.transferOffset, tag: UInt64(tag))
      } else {
        unsafe try ring.read(file, into: pieces, at: operation.transferOffset, tag: UInt64(tag))
      }
      underWay += 1
      unsent.append(tag)
    } catch {
      throw fail(operation, transfer, error)
    }
  }

  private func fail(
    _ operation: BlockOperation, _ transfer: Disk.Transfer, _ error: SystemCallError
  ) -> ImageError {
    operation.endTransfer()
    if operation.isWrite { disk.abandon(transfer) }
    return ImageError(transfer.file.path, .host(error))
  }

  /// Takes what the kernel says of a request's transfer or sync.
  private func kernelFinished(_ tag: Int, _ result: Int32) -> Progress {
    attempt { () throws(ImageError) in
      guard let transfer = operations[tag].transfer else { return try synced(tag, result) }
      if isDraining { return try broughtToAnEnd(tag, transfer, result) }
      if result == -EINTR || result == -EAGAIN {
        try enqueueTransfer(tag)
        return .underWay
      }
      return try moved(tag, transfer, result)
    }
  }

  /// The driver wants no request any more: one that has all of its transfer's bytes in the file is kept, as the tables
  /// of an image may need it.
  private func broughtToAnEnd(
    _ tag: Int, _ transfer: Disk.Transfer, _ result: Int32
  ) throws(ImageError) -> Progress {
    let operation = operations[tag]
    let isWhole = Int(result) == operation.transferRest
    operation.advance(max(0, Int(result)))
    operation.endTransfer()
    if operation.isWrite { if isWhole { try disk.complete(transfer) } else { disk.abandon(transfer) } }
    return .finished(isWhole && operation.segments.count == 0 && !operation.mustBeDurable ? .ok : .ioError)
  }

  private func moved(_ tag: Int, _ transfer: Disk.Transfer, _ result: Int32) throws(ImageError) -> Progress {
    let operation = operations[tag]
    // A write of nothing would be tried for ever.
    guard result > 0 || result == 0 && !operation.isWrite else {
      let errno = result == 0 ? Errno.inputOutput : Errno(rawValue: -result)
      throw fail(operation, transfer, SystemCallError(operation.isWrite ? "io_uring write" : "io_uring read", errno))
    }
    operation.advance(Int(result))
    if operation.transferRest > 0 {
      // Past its end a file reads as zeros.
      guard operation.isWrite || operation.transferOffset < transfer.file.end else {
        operation.zeroTransferRest()
        operation.endTransfer()
        return try move(tag)
      }
      if result == 0 {
        do throws(ImageError) { try transfer.file.requireBytes(at: operation.transferOffset) } catch {
          operation.endTransfer()
          throw error
        }
      }
      try enqueueTransfer(tag)
      return .underWay
    }
    operation.endTransfer()
    if operation.isWrite { try disk.complete(transfer) }
    return try move(tag)
  }

  // MARK: Flushing

  /// Makes durable what a request has written, which is all that is left of it.
  private func makeDurable(_ tag: Int) throws(ImageError) -> Progress {
    operations[tag].becomeFlush()
    return try flush(tag)
  }

  private func flush(_ tag: Int) throws(ImageError) -> Progress {
    guard mayChangeTables else { return .waiting }
    guard refusal == nil else {
      try disk.flush()
      return .finished(.ok)
    }
    return try sync(tag, isNeeded: try disk.beginFlush())
  }

  private func synced(_ tag: Int, _ result: Int32) throws(ImageError) -> Progress {
    isFlushingTables = false
    if result == -EINTR || result == -EAGAIN { return try enqueueSync(tag) }
    guard result >= 0 else {
      throw disk.abandonFlush(SystemCallError("io_uring fsync", Errno(rawValue: -result)))
    }
    return try sync(tag, isNeeded: try disk.continueFlush())
  }

  private func sync(_ tag: Int, isNeeded: Bool) throws(ImageError) -> Progress {
    guard isNeeded else { return .finished(.ok) }
    return try enqueueSync(tag)
  }

  private func enqueueSync(_ tag: Int) throws(ImageError) -> Progress {
    guard refusal == nil, (try? ring.syncData(disk.writtenFile.dataNumber, tag: UInt64(tag))) != nil else {
      return try flushAnew()
    }
    underWay += 1
    unsent.append(tag)
    isFlushingTables = disk.hasTables
    return .underWay
  }

  /// Flushes by plain calls, as the kernel did not begin the sync that it was asked for: nothing is lost by that.
  private func flushAnew() throws(ImageError) -> Progress {
    isFlushingTables = false
    try disk.flush()
    return .finished(.ok)
  }
}
