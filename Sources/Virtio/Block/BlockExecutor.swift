import Glibc
import Host

/// Does what a ``BlockRequest`` says, at once or in its own time.
package protocol BlockExecutor: AnyObject {
  /// The disk's properties.
  var backend: any BlockBackend { get }

  /// Starts a request, which is neither ``BlockRequest/refused(_:)`` nor ``BlockRequest/identify``.
  ///
  /// - Parameters:
  ///   - tag: what ``takeFinished()`` calls the request by.
  ///   - buffers: the guest's memory to fill or to write; the list itself is only there during the call.
  /// - Returns: the request's status, nil when it is yet to come.
  func start(_ request: BlockRequest, tag: Int, _ buffers: UnsafeBufferPointer<iovec>) -> BlockStatus?

  /// Sends off what was started since the last call.
  ///
  /// - Returns: whether it is to be called again soon, as there is something to do that no event will tell of.
  func submit() -> Bool
  /// A descriptor that is readable as long as requests have finished that were not taken; nil for an executor whose
  /// requests finish at once.
  var finishedSource: Int32? { get }
  /// A request that was started, and has finished since.
  func takeFinished() -> (tag: Int, status: BlockStatus)?
  /// Waits until the kernel is done with everything that was started, and forgets it.
  ///
  /// - Returns: what had been done by then of the requests that were not taken.
  func drain() -> [DrainedRequest]
}

/// How far a request came that ``BlockExecutor/drain()`` has brought to an end.
package struct DrainedRequest {
  /// What ``BlockExecutor/start(_:tag:_:)`` was given.
  package let tag: Int
  /// Everything that the request asked for is done.
  package let isDone: Bool
  /// Of its data, in bytes: what has moved.
  package let movedBytes: UInt64

  package init(tag: Int, isDone: Bool, movedBytes: UInt64) {
    self.tag = tag
    self.isDone = isDone
    self.movedBytes = movedBytes
  }
}

/// Does one request after the other on the calling thread.
package final class SynchronousBlockExecutor: BlockExecutor {
  package let backend: any BlockBackend
  package let finishedSource: Int32? = nil

  package init(_ backend: any BlockBackend) { self.backend = backend }

  package func start(_ request: BlockRequest, tag: Int, _ buffers: UnsafeBufferPointer<iovec>) -> BlockStatus? {
    do throws(BlockFailure) {
      // SAFETY: the caller's buffers, for the call.
      switch request {
      case .read(let offset, _): unsafe try backend.read(buffers, at: offset)
      case .write(let offset, _, let isDurable):
        unsafe try backend.write(buffers, at: offset)
        if isDurable { try backend.flush() }
      case .flush: try backend.flush()
      case .discard(let offset, let count): try backend.discard(at: offset, count: count)
      case .writeZeroes(let offset, let count, let mayUnmap, let isDurable):
        try backend.writeZeroes(at: offset, count: count, mayUnmap: mayUnmap)
        if isDurable { try backend.flush() }
      case .identify, .refused: return .unsupported
      }
      return .ok
    } catch {
      return .ioError
    }
  }

  package func submit() -> Bool { false }
  package func takeFinished() -> (tag: Int, status: BlockStatus)? { nil }
  package func drain() -> [DrainedRequest] { [] }
}
