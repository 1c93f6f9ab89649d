import Glibc
import Host

/// What ``RingBlockExecutor`` asks of a ring of requests; the calls are those of ``IOUring``.
///
/// A ring promises nothing of the order in which requests are done. Tests have one that uses that, and notes what a
/// loss of power would leave.
protocol RequestRing: AnyObject {
  var number: Int32 { get }
  func read(
    _ file: Int32, into pieces: UnsafeBufferPointer<iovec>, at offset: UInt64, tag: UInt64
  ) throws(SystemCallError)
  func write(
    _ file: Int32, from pieces: UnsafeBufferPointer<iovec>, at offset: UInt64, tag: UInt64
  ) throws(SystemCallError)
  func syncData(_ file: Int32, tag: UInt64) throws(SystemCallError)
  func submit() throws(SystemCallError) -> Int
  func wait()
  func next() -> IOUring.Completion?
}

extension IOUring: RequestRing {}
