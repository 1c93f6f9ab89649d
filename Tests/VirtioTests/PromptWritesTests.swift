import Glibc
import Host
import Testing

@testable import DiskImage
@testable import Virtio

/// Writes that the I/O thread does at once, and how it leaves them to the kernel where they take long.
@Suite("Block, prompt writes")
struct PromptWritesTests {
  private static let second: UInt64 = 1_000_000_000

  @Test func whatTakesLongIsLeftAlone() {
    var writes = PromptWrites()
    let start = Instant(nanoseconds: Self.second)
    #expect(writes.permits(bytes: 512, at: start) && writes.permits(bytes: 64 << 10, at: start))
    #expect(!writes.permits(bytes: 64 << 10 + 512, at: start))
    let end = start.advanced(byNanoseconds: 10_000_000)
    writes.note(from: start, to: end)
    #expect(writes.permits(bytes: 512, at: end))

    let late = end.advanced(byNanoseconds: 1)
    writes.note(from: start, to: late)
    #expect(!writes.permits(bytes: 512, at: late))
    #expect(!writes.permits(bytes: 512, at: late.advanced(byNanoseconds: 10 * Self.second - 1)))
    #expect(writes.permits(bytes: 512, at: late.advanced(byNanoseconds: 10 * Self.second)))
  }

  /// A write of `count` bytes of 0x22 at the disk's beginning.
  ///
  /// - Returns: whether it was done before ``RingBlockExecutor/start(_:tag:_:)`` returned; what was not, was given up.
  private func isDoneAtOnce(_ count: Int, _ executor: RingBlockExecutor) -> Bool {
    var bytes = [UInt8](repeating: 0x22, count: count)
    // SAFETY: the executor is done with the array before it ends.
    return unsafe bytes.withUnsafeMutableBytes { bytes in
      let pieces = unsafe [iovec(iov_base: bytes.baseAddress, iov_len: count)]
      let request = BlockRequest.write(at: 0, count: UInt64(count), isDurable: false)
      let status = unsafe pieces.withUnsafeBufferPointer { unsafe executor.start(request, tag: 0, $0) }
      #expect(status == nil || status == .ok)
      _ = executor.drain()
      return status == .ok
    }
  }

  @Test(arguments: FailingDisk.Format.allCases) func smallWritesWaitForNobody(format: FailingDisk.Format) throws {
    let disk = try FailingDisk(format)
    let ring = ReorderingRing(DiskJournal(), seed: 1)
    #expect(!isDoneAtOnce(4096, RingBlockExecutor(disk.backend, ring)), "who does none leaves it to the kernel")
    let executor = RingBlockExecutor(disk.backend, ring, promptWrites: PromptWrites())
    #expect(isDoneAtOnce(4096, executor))
    try disk.expectInFile(0x22, at: 0)
    if format == .raw { #expect(!isDoneAtOnce(128 << 10, executor), "a large one") }
  }

  /// One write that has to wait for the host's disk, or for its file system's journal, delays the other devices.
  @Test func aSlowDiskIsNotWaitedForTwice() throws {
    let disk = try FailingDisk()
    let executor = RingBlockExecutor(
      disk.backend, ReorderingRing(DiskJournal(), seed: 1), promptWrites: PromptWrites())
    disk.backend.disk.writtenFile.journal = { _ in usleep(11_000) }
    #expect(isDoneAtOnce(4096, executor))
    disk.backend.disk.writtenFile.journal = nil
    #expect(!isDoneAtOnce(4096, executor))
  }
}
