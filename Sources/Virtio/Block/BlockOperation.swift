import DiskImage
import Glibc

/// One request of ``RingBlockExecutor``, with the lists of buffers that the kernel reads while it is under way. Used
/// again for later requests with the same tag, so that nothing is made per request.
@safe
final class BlockOperation {
  private(set) var request = BlockRequest.flush
  /// What is still to be moved, from here on in the disk.
  var segments: Segments
  var offset: UInt64 = 0
  /// Of the whole request's data.
  private(set) var byteCount: UInt64 = 0
  /// What the kernel is moving now, and how many of its bytes are left.
  private(set) var transfer: Disk.Transfer?
  private(set) var transferRest = 0

  /// The request's buffers, and those of the transfer.
  private var buffers: UnsafeMutableBufferPointer<iovec>
  private var pieces: UnsafeMutableBufferPointer<iovec>

  init() {
    // SAFETY: empty lists, which ask for no memory.
    unsafe buffers = .init(start: nil, count: 0)
    unsafe pieces = .init(start: nil, count: 0)
    unsafe segments = Segments(UnsafeBufferPointer(buffers))
  }

  deinit {
    // SAFETY: this object's own lists; the executor has waited for the kernel.
    unsafe buffers.deallocate()
    unsafe pieces.deallocate()
  }

  /// Takes a request, and a copy of the list of its buffers.
  func begin(_ request: BlockRequest, _ list: UnsafeBufferPointer<iovec>) {
    self.request = request
    // SAFETY: the lists are this object's own, nothing is under way with them, and they are made as long as the
    // caller's.
    if unsafe buffers.count < list.count {
      unsafe buffers.deallocate()
      unsafe pieces.deallocate()
      unsafe buffers = .allocate(capacity: list.count)
      unsafe pieces = .allocate(capacity: list.count)
    }
    _ = unsafe buffers.initialize(from: list)
    unsafe segments = Segments(UnsafeBufferPointer(rebasing: buffers[..<list.count]))
    byteCount = UInt64(segments.count)
    switch request {
    case .read(let offset, _), .write(let offset, _, _): self.offset = offset
    default: offset = 0
    }
  }

  /// Of the request's data, in bytes: what has moved.
  var movedBytes: UInt64 { byteCount - UInt64(segments.count) }

  var isWrite: Bool { if case .write = request { true } else { false } }
  /// What it writes is to be on stable storage before it is answered.
  var mustBeDurable: Bool { if case .write(_, _, isDurable: true) = request { true } else { false } }

  /// The request's data is written; what is left of it is to make that durable.
  func becomeFlush() { request = .flush }

  func begin(_ transfer: Disk.Transfer) {
    self.transfer = transfer
    transferRest = transfer.count
  }

  func endTransfer() {
    transfer = nil
    transferRest = 0
  }

  /// Where in its file the transfer goes on.
  var transferOffset: UInt64 { (transfer?.offset ?? 0) + UInt64((transfer?.count ?? 0) - transferRest) }

  /// Moves past bytes that were moved.
  func advance(_ count: Int) {
    segments.skip(count)
    offset += UInt64(count)
    transferRest -= count
  }

  /// What is left of the transfer lies past its file's end.
  func zeroTransferRest() {
    offset += UInt64(transferRest)
    segments.zero(transferRest)
    transferRest = 0
  }

  /// The memory of what is left of the transfer. The list stays until the operation begins something else.
  func listPieces() -> UnsafeBufferPointer<iovec> {
    // SAFETY: the list is this object's own; as many of its pieces are named as were put there.
    let count = unsafe segments.list(in: pieces, atMost: transferRest)
    return unsafe UnsafeBufferPointer(rebasing: pieces[..<count])
  }
}
