import Glibc
import Host

@testable import DiskImage
@testable import Virtio

/// A ring that does what it is asked in any order that io_uring may: it takes a part of what is sent off, moves a part
/// of the bytes, and finishes whichever request it likes. What is done to the disk's file is noted as it begins and
/// ends.
final class ReorderingRing: RequestRing {
  let number: Int32 = -1
  private let journal: DiskJournal
  private var random: SeededRandom
  private var prepared: [Request] = []
  private var underWay: [Request] = []

  private struct Request {
    enum Kind {
      case read(Segments, at: UInt64)
      case write([UInt8], at: UInt64)
      case sync
    }
    let kind: Kind
    let file: Int32
    let tag: UInt64
    /// What the journal calls it.
    var name = 0
  }

  init(_ journal: DiskJournal, seed: UInt64) {
    self.journal = journal
    random = SeededRandom(seed: seed)
  }

  func read(_ file: Int32, into pieces: UnsafeBufferPointer<iovec>, at offset: UInt64, tag: UInt64) {
    // SAFETY: the executor keeps the pieces until the request has finished.
    prepared.append(Request(kind: .read(unsafe Segments(pieces), at: offset), file: file, tag: tag))
  }

  func write(_ file: Int32, from pieces: UnsafeBufferPointer<iovec>, at offset: UInt64, tag: UInt64) {
    var bytes: [UInt8] = []
    // SAFETY: the executor keeps the pieces, and the test their memory as it is, until the request has finished.
    for unsafe piece in unsafe pieces {
      unsafe bytes += UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len)
    }
    // Whole sectors: what comes of half a one no disk says.
    let sectors = bytes.count / 512
    if sectors > 0, Int.random(in: 0..<4, using: &random) == 0 {
      bytes.removeLast(bytes.count - 512 * Int.random(in: 1...sectors, using: &random))
    }
    prepared.append(Request(kind: .write(bytes, at: offset), file: file, tag: tag))
  }

  func syncData(_ file: Int32, tag: UInt64) { prepared.append(Request(kind: .sync, file: file, tag: tag)) }

  func submit() -> Int {
    guard !prepared.isEmpty else { return 0 }
    let count = Int.random(in: 1...prepared.count, using: &random)
    for var request in prepared[..<count] {
      switch request.kind {
      case .read: break
      case .write(let bytes, let offset): request.name = journal.begin(.write(offset: offset, bytes: bytes))
      case .sync: request.name = journal.begin(.sync)
      }
      underWay.append(request)
    }
    prepared.removeFirst(count)
    return count
  }

  func wait() {}

  func next() -> IOUring.Completion? {
    guard !underWay.isEmpty, Int.random(in: 0..<3, using: &random) > 0 else { return nil }
    let request = underWay.remove(at: Int.random(in: 0..<underWay.count, using: &random))
    let result: Int
    switch request.kind {
    case .read(var segments, let offset):
      var bytes = [UInt8](repeating: 0, count: segments.count)
      // SAFETY: the array is alive for the calls, and no longer than the pieces together.
      result = unsafe bytes.withUnsafeMutableBytes { bytes in
        let count = unsafe pread(request.file, bytes.baseAddress, bytes.count, off_t(offset))
        unsafe segments.copy(from: UnsafeRawBufferPointer(rebasing: bytes[..<max(0, count)]))
        return count
      }
    case .write(let bytes, let offset):
      // SAFETY: the array is alive for the call.
      result = unsafe bytes.withUnsafeBytes { unsafe pwrite(request.file, $0.baseAddress, $0.count, off_t(offset)) }
      journal.end(request.name)
    case .sync:
      result = 0
      journal.end(request.name)
    }
    return IOUring.Completion(tag: request.tag, result: Int32(result))
  }
}
