import DiskImage
import Host
import Virtio

extension DiskConfiguration {
  /// What does the disk's requests.
  ///
  /// - Parameter lack: hears why it is not io_uring, where that was not asked for by name: kernels and administrators
  ///   may do without.
  /// - Throws: where it was.
  func executor(
    on backend: sending DiskBackend, lack: (SystemCallError) -> Void
  ) throws(ImageError) -> sending any BlockExecutor {
    guard asynchronousIO != AsynchronousIO.none else { return SynchronousBlockExecutor(backend) }
    let promptWrites = backend.disk.writtenFile.isWrittenByWorkers ? PromptWrites() : nil
    do throws(SystemCallError) { return try RingBlockExecutor(backend, promptWrites: promptWrites) } catch {
      guard asynchronousIO == nil else { throw ImageError(path, .host(error)) }
      lack(error)
      return SynchronousBlockExecutor(backend)
    }
  }
}
