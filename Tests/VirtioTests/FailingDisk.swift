import DiskImage
import Glibc
import Host
import Synchronization
import Testing

@testable import Virtio

/// A disk of a MiB, all of it 0x11, which a host can be made to fail.
final class FailingDisk {
  enum Format: CaseIterable { case raw, qcow2 }
  static let bytes = 1 << 20
  let path: String
  let backend: DiskBackend
  private let folder = TestFolder()
  private let reported = Reports()

  private final class Reports: Sendable {
    let lines = Mutex<[String]>([])
  }

  init(_ format: Format = .raw) throws {
    path = folder.path + "/disk"
    if format == .qcow2 {
      var creation = ImageCreation(format: .qcow2, size: UInt64(Self.bytes))
      creation.clusterSize = 4096
      try creation.make(at: path)
    } else {
      try Descriptor.open(path, [.readWrite, .create]).truncate(to: Int64(Self.bytes))
    }
    let disk = try Disk(path: path, format: format == .raw ? .raw : .qcow2, readOnly: false)
    let reported = reported
    backend = DiskBackend(disk, serial: []) { error in reported.lines.withLock { $0.append("\(error)") } }
    // The second half stays unallocated in a qcow2 image.
    var half = [UInt8](repeating: 0x11, count: Self.bytes / 2)
    // SAFETY: the array is alive for the call.
    try unsafe half.withUnsafeMutableBytes { unsafe try disk.write(Segments($0), at: 0) }
    try disk.flush()
  }

  var reports: [String] { reported.lines.withLock { $0 } }

  /// Whatever is done to the disk's file next finds something else there; the return value brings it back.
  func replaceFile(by other: borrowing Descriptor) -> () -> Void {
    let number = backend.disk.writtenFile.dataNumber
    let original = dup(number)
    dup2(other.number, number)
    return {
      dup2(original, number)
      close(original)
    }
  }

  /// Does a request and waits for its end. What data it has is where no memory is.
  func run(_ request: BlockRequest, _ executor: some BlockExecutor) -> BlockStatus {
    // SAFETY: the kernel checks the address, and finds no memory in the first pages.
    unsafe run(request, executor, memory: UnsafeMutableRawPointer(bitPattern: 4096))
  }

  private func run(
    _ request: BlockRequest, _ executor: some BlockExecutor, memory: UnsafeMutableRawPointer?
  ) -> BlockStatus {
    let count = request.flow.map { Int($0.bytes) } ?? 0
    // SAFETY: the list and the memory are there until the request has finished, below.
    let pieces = unsafe [iovec(iov_base: memory, iov_len: count)]
    let status = unsafe pieces.withUnsafeBufferPointer { unsafe executor.start(request, tag: 0, $0) }
    if let status { return status }
    while true {
      _ = executor.submit()
      if let (_, status) = executor.takeFinished() { return status }
      usleep(100)
    }
  }

  func write(
    _ byte: UInt8, at offset: UInt64, _ executor: some BlockExecutor, isDurable: Bool = false
  ) -> BlockStatus {
    var bytes = [UInt8](repeating: byte, count: 4096)
    // SAFETY: the array is alive until the request has finished.
    return unsafe bytes.withUnsafeMutableBytes {
      unsafe run(.write(at: offset, count: 4096, isDurable: isDurable), executor, memory: $0.baseAddress)
    }
  }

  /// The first byte there, nil when it cannot be read.
  func read(at offset: UInt64, _ executor: some BlockExecutor) -> UInt8? {
    var bytes = [UInt8](repeating: 0xee, count: 4096)
    // SAFETY: as for `write`.
    let status = unsafe bytes.withUnsafeMutableBytes {
      unsafe run(.read(at: offset, count: 4096), executor, memory: $0.baseAddress)
    }
    return status == .ok ? bytes[0] : nil
  }

  /// What another program finds in the file.
  func expectInFile(_ byte: UInt8, at offset: UInt64) throws {
    let copy = try folder.copy(path)
    if backend.disk.hasTables { #expect(try CheckReport(checking: copy).errors == []) }
    let disk = try Disk(path: copy, format: backend.disk.hasTables ? .qcow2 : .raw, readOnly: true)
    var bytes = [UInt8](repeating: 0, count: 512)
    // SAFETY: the array is alive for the call.
    try unsafe bytes.withUnsafeMutableBytes { unsafe try disk.read(Segments($0), at: offset) }
    #expect(bytes == [UInt8](repeating: byte, count: 512))
  }
}
