import DiskImage
import Glibc
import Host
import RefusedCalls
import Testing

@testable import Virtio

/// A host that cannot do what it is asked for: the guest hears of it, a person too, and nothing else is harmed.
@Suite("Block, a host that fails")
struct BlockErrorTests {
  /// Who does what a request asks for.
  enum Way: CaseIterable {
    case kernel, kernelButPromptWrites, plainCalls

    func executor(on disk: FailingDisk) throws -> any BlockExecutor {
      switch self {
      case .kernel: try RingBlockExecutor(disk.backend)
      case .kernelButPromptWrites: try RingBlockExecutor(disk.backend, promptWrites: PromptWrites())
      case .plainCalls: SynchronousBlockExecutor(disk.backend)
      }
    }
  }

  @Test func readFails() throws {
    let disk = try FailingDisk()
    let executor = try RingBlockExecutor(disk.backend)
    #expect(disk.run(.read(at: 0, count: 4096), executor) == .ioError)
    #expect(disk.reports.count == 1 && disk.reports[0].contains("io_uring read: Bad address"), "\(disk.reports)")
    #expect(disk.read(at: 0, executor) == 0x11)
  }

  /// In a place that is there, and in one that has to be allocated: what failed leaves the image as it was.
  @Test(arguments: FailingDisk.Format.allCases, [0x1000, 0xc0000] as [UInt64])
  func writeFails(format: FailingDisk.Format, offset: UInt64) throws {
    for way in Way.allCases {
      let disk = try FailingDisk(format)
      let executor = try way.executor(on: disk)
      let request = BlockRequest.write(at: offset, count: 4096, isDurable: false)
      #expect(disk.run(request, executor) == .ioError)
      let call = way == .kernel ? "io_uring write" : "pwritev"
      #expect(disk.reports.count == 1 && disk.reports[0].contains("\(call): Bad address"), "\(way): \(disk.reports)")
      #expect(disk.read(at: offset, executor) == (offset < 0x80000 ? 0x11 : 0))
      #expect(disk.write(0x22, at: offset, executor) == .ok)
      #expect(disk.run(.flush, executor) == .ok)
      try disk.expectInFile(0x22, at: offset)
    }
  }

  /// A flush that failed may have lost anything: no later one says that all is well (see `DiskFile`).
  @Test(arguments: FailingDisk.Format.allCases) func flushFails(format: FailingDisk.Format) throws {
    let disk = try FailingDisk(format)
    let executor = try RingBlockExecutor(disk.backend)
    #expect(disk.write(0x22, at: 0x1000, executor) == .ok)
    // A socket can be synced as little as written at a place.
    let restore = disk.replaceFile(by: Descriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)))
    #expect(disk.run(.flush, executor) == .ioError)
    restore()
    #expect(disk.run(.flush, executor) == .ioError)
    #expect(disk.read(at: 0x1000, executor) == 0x22, "reading goes on")
  }

  /// What is to be durable is answered once it is, data and zeros alike: /dev/null takes what is written, and cannot be synced.
  @Test(arguments: [(FailingDisk.Format.raw, false), (.qcow2, false), (.qcow2, true)], Way.allCases)
  func nothingDurableIsAnsweredBeforeItIs(what: (format: FailingDisk.Format, isZeros: Bool), way: Way) throws {
    for isDurable in [false, true] {
      let disk = try FailingDisk(what.format)
      let executor = try way.executor(on: disk)
      let restore = disk.replaceFile(by: try .open("/dev/null", .readWrite))
      let status =
        what.isZeros
        ? disk.run(.writeZeroes(at: 0x1000, count: 4096, mayUnmap: true, isDurable: isDurable), executor)
        : disk.write(0x22, at: 0x1000, executor, isDurable: isDurable)
      #expect(status == (isDurable ? .ioError : .ok))
      restore()
    }
  }

  /// What was cut off is not to be taken for zeros.
  @Test(arguments: Way.allCases) func fileIsMadeShorter(way: Way) throws {
    let disk = try FailingDisk()
    let executor = try way.executor(on: disk)
    try Descriptor.open(disk.path, .readWrite).truncate(to: 0x10000)
    #expect(disk.read(at: 0xf000, executor) == 0x11)
    #expect(disk.read(at: 0x10000, executor) == nil)
    #expect(disk.reports.count == 1 && disk.reports[0].contains("made shorter while it was in use"), "\(disk.reports)")
    #expect(disk.read(at: 0, executor) == 0x11)
  }

  /// A request that the kernel does not have yet fails, those after it are done by plain calls.
  @Test(arguments: FailingDisk.Format.allCases) func ringIsRefusedAtWork(format: FailingDisk.Format) throws {
    try onItsOwnThread {
      let disk = try FailingDisk(format)
      let executor = try RingBlockExecutor(disk.backend)
      #expect(disk.write(0x22, at: 0x1000, executor) == .ok)
      try RefusedCall.useRing.refuse()
      #expect(disk.write(0x33, at: 0x2000, executor) == .ioError)
      #expect(disk.reports.count == 1 && disk.reports[0].contains("Operation not permitted"), "\(disk.reports)")
      #expect(disk.read(at: 0x1000, executor) == 0x22)
      #expect(disk.read(at: 0x2000, executor) == 0x11)
      for offset in [0x2000, 0xc0000] as [UInt64] { #expect(disk.write(0x44, at: offset, executor) == .ok) }
      #expect(disk.run(.writeZeroes(at: 0x3000, count: 4096, mayUnmap: true, isDurable: false), executor) == .ok)
      #expect(disk.run(.flush, executor) == .ok)
      #expect(disk.reports.count == 1)
      for (offset, byte) in [(0x1000, 0x22), (0x2000, 0x44), (0xc0000, 0x44), (0x3000, 0)] as [(UInt64, UInt8)] {
        try disk.expectInFile(byte, at: offset)
      }
    }
  }

  /// A sync that the kernel did not take is no loss: it is done by a plain call.
  @Test(arguments: FailingDisk.Format.allCases) func ringIsRefusedAtAFlush(format: FailingDisk.Format) throws {
    try onItsOwnThread {
      let disk = try FailingDisk(format)
      let executor = try RingBlockExecutor(disk.backend)
      for offset in [0x1000, 0xc0000] as [UInt64] { #expect(disk.write(0x22, at: offset, executor) == .ok) }
      try RefusedCall.useRing.refuse()
      for _ in 0..<2 { #expect(disk.run(.flush, executor) == .ok) }
      #expect(disk.reports.isEmpty, "\(disk.reports)")
      for offset in [0x1000, 0xc0000] as [UInt64] { try disk.expectInFile(0x22, at: offset) }
    }
  }

  /// A reset does not wait for what was never sent off.
  @Test func drainsWhenTheRingIsRefused() throws {
    try onItsOwnThread {
      let disk = try FailingDisk()
      let executor = try RingBlockExecutor(disk.backend)
      try RefusedCall.useRing.refuse()
      var bytes = [UInt8](repeating: 0x22, count: 4096)
      // SAFETY: the array is alive for longer than the request.
      unsafe bytes.withUnsafeMutableBytes { bytes in
        let pieces = unsafe [iovec(iov_base: bytes.baseAddress, iov_len: 4096)]
        for tag in 0..<3 {
          let request = BlockRequest.write(at: 0, count: 4096, isDurable: false)
          #expect(unsafe pieces.withUnsafeBufferPointer { unsafe executor.start(request, tag: tag, $0) } == nil)
        }
        _ = executor.drain()
      }
      #expect(executor.takeFinished() == nil)
      #expect(disk.read(at: 0, executor) == 0x11)
    }
  }
}
