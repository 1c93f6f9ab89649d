import Glibc
import Host
import Testing

@testable import DiskImage
@testable import Virtio

/// Writes that the I/O thread does at once, and how it leaves them to the kernel where they take long.
@Suite("Block, prompt writes")
struct PromptWritesTests {
  private static let second: UInt64 = 1_000_000_000
  private static let start = Instant(nanoseconds: 100 * second)

  /// Has a turn of one write each, one after the other, of which each takes so many nanoseconds.
  ///
  /// - Returns: how many were done before the next was not permitted.
  private func permitted(
    _ writes: inout PromptWrites, taking time: UInt64, every period: UInt64, from start: Instant = start, upTo most: Int
  ) -> Int {
    for count in 0..<most {
      let now = start.advanced(byNanoseconds: UInt64(count) * period)
      guard writes.permits(bytes: 512, at: now) else { return count }
      writes.note(from: now, to: now.advanced(byNanoseconds: time))
      writes.beginTurn()
    }
    return most
  }

  @Test func onlySmallOnesAreDoneAtOnce() {
    let writes = PromptWrites()
    #expect(writes.permits(bytes: 512, at: Self.start) && writes.permits(bytes: 64 << 10, at: Self.start))
    #expect(!writes.permits(bytes: 64 << 10 + 512, at: Self.start))
  }

  @Test("Writes that wait are left to the kernel, for ten seconds at a time")
  func whatTakesLongIsLeftAlone() {
    var writes = PromptWrites()
    #expect(permitted(&writes, taking: 21_000_000, every: Self.second, upTo: 10) == 1)
    let again = Self.start.advanced(byNanoseconds: 21_000_000 + 10 * Self.second)
    #expect(!writes.permits(bytes: 512, at: Instant(nanoseconds: again.nanoseconds - 1)))
    #expect(writes.permits(bytes: 512, at: again))
    // Nor may many wait a little each.
    #expect(permitted(&writes, taking: 5_000_000, every: 10_000_000, from: again, upTo: 100) == 5)
  }

  /// A busy host takes the CPU from any thread now and then; and many small copies are no waits.
  @Test func whatIsNormalIsNoReason() {
    var writes = PromptWrites()
    #expect(permitted(&writes, taking: 4_000_000, every: Self.second, upTo: 1000) == 1000)
    #expect(permitted(&writes, taking: 50_000, every: 60_000, upTo: 100_000) == 100_000)
  }

  @Test("Other devices have their turns")
  func aTurnHasAnEnd() {
    var writes = PromptWrites()
    var now = Self.start
    for _ in 0..<40 {
      #expect(writes.permits(bytes: 64 << 10, at: now))
      writes.note(from: now, to: now.advanced(byNanoseconds: 50_000))
      now = now.advanced(byNanoseconds: 50_000)
    }
    #expect(!writes.permits(bytes: 512, at: now))
    writes.beginTurn()
    #expect(writes.permits(bytes: 512, at: now))
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
      _ = executor.submit()
      _ = executor.drain()
      return status == .ok
    }
  }

  /// A large one neither, where an image has it in many small pieces.
  @Test(arguments: FailingDisk.Format.allCases) func smallWritesWaitForNobody(format: FailingDisk.Format) throws {
    let disk = try FailingDisk(format)
    let ring = ReorderingRing(DiskJournal(), seed: 1)
    #expect(!isDoneAtOnce(4096, RingBlockExecutor(disk.backend, ring)), "who does none leaves it to the kernel")
    let executor = RingBlockExecutor(disk.backend, ring, promptWrites: PromptWrites())
    #expect(isDoneAtOnce(4096, executor))
    try disk.expectInFile(0x22, at: 0)
    #expect(!isDoneAtOnce(128 << 10, executor), "a large one")
  }

  @Test func aSlowDiskIsNotWaitedForTwice() throws {
    let disk = try FailingDisk()
    let executor = RingBlockExecutor(
      disk.backend, ReorderingRing(DiskJournal(), seed: 1), promptWrites: PromptWrites())
    disk.backend.disk.writtenFile.journal = { _ in usleep(21_000) }
    #expect(isDoneAtOnce(4096, executor))
    disk.backend.disk.writtenFile.journal = nil
    #expect(!isDoneAtOnce(4096, executor))
  }

  /// Nor is one whose writes fail, as they do when it is full.
  @Test func aSlowFailureIsNotWaitedForTwice() throws {
    let disk = try FailingDisk()
    let executor = RingBlockExecutor(
      disk.backend, ReorderingRing(DiskJournal(), seed: 1), promptWrites: PromptWrites())
    disk.backend.disk.writtenFile.journal = { _ in usleep(21_000) }
    let restore = disk.replaceFile(by: try .open("/dev/full", .readWrite))
    #expect(disk.write(0x22, at: 0, executor) == .ioError)
    restore()
    disk.backend.disk.writtenFile.journal = nil
    #expect(!isDoneAtOnce(4096, executor))
  }

  /// Only where io_uring would wake somebody, and where nobody else can stop all of a guest.
  @Test func otherFileSystemsAreNotWaitedFor() throws {
    let memory = try DiskFile(.memory(named: "disk"), path: "disk", writable: true)
    #expect(memory.isWrittenByWorkers)
    #expect(!(try DiskFile(path: "/sys/devices/system/cpu/possible", writable: false)).isWrittenByWorkers)
  }
}
