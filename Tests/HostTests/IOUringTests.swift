import Glibc
import Host
import RefusedCalls
import Testing

@Suite("io_uring")
struct IOUringTests {
  private let file: SharedDescriptor
  private let ring: IOUring

  init() throws {
    file = SharedDescriptor(try .memory(named: "ring"))
    ring = try IOUring(entries: 8)
  }

  /// Waits for as many completions, and gives their results by tag.
  private func results(_ count: Int) throws -> [UInt64: Int32] {
    var results: [UInt64: Int32] = [:]
    try ring.submit()
    while results.count < count {
      if let completion = ring.next() { results[completion.tag] = completion.result } else { ring.wait() }
    }
    return results
  }

  @Test func movesBytesInPieces() throws {
    var source = Array("behind every door".utf8)
    var target = [UInt8](repeating: 0, count: source.count)
    // SAFETY: the arrays are alive within the closures, and all requests have finished when these end.
    try unsafe source.withUnsafeMutableBytes { source in
      let pieces = unsafe [
        iovec(iov_base: source.baseAddress, iov_len: 5),
        iovec(iov_base: source.baseAddress! + 5, iov_len: source.count - 5),
      ]
      try unsafe pieces.withUnsafeBufferPointer { unsafe try ring.write(file.number, from: $0, at: 100, tag: 1) }
      #expect(ring.next() == nil, "it was not sent off yet")
      #expect(try results(1) == [1: 17])
    }
    try ring.syncData(file.number, tag: 7)
    #expect(try results(1) == [7: 0])
    // SAFETY: as above.
    try unsafe target.withUnsafeMutableBytes { target in
      let pieces = unsafe [iovec(iov_base: target.baseAddress, iov_len: target.count)]
      try unsafe pieces.withUnsafeBufferPointer { unsafe try ring.read(file.number, into: $0, at: 100, tag: .max) }
      #expect(try results(1) == [.max: 17])
    }
    #expect(target == source)
  }

  @Test func signalsWhatHasFinished() throws {
    #expect(!isReadable)
    for tag in 0..<3 as Range<UInt64> { try ring.syncData(file.number, tag: tag) }
    #expect(try ring.submit() == 3)
    ring.wait()
    #expect(isReadable)
    #expect(try results(3) == [0: 0, 1: 0, 2: 0])
    #expect(!isReadable, "all of it was taken")
  }

  private var isReadable: Bool {
    // SAFETY: one local structure.
    var event = pollfd(fd: ring.number, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&event, 1, 0) == 1
  }

  @Test func takesNoMoreThanItHasEntries() throws {
    for tag in 0..<8 as Range<UInt64> { try ring.syncData(file.number, tag: tag) }
    #expect(throws: SystemCallError("io_uring fsync", .busy)) { try ring.syncData(file.number, tag: 8) }
    #expect(try results(8).count == 8)
    try ring.syncData(file.number, tag: 8)
    #expect(try results(1) == [8: 0])
  }

  /// As in a container that forbids it, wholly or by half.
  @Test(arguments: [RefusedCall.setUpRing, .useRing]) func isNotThereWhereItIsRefused(call: RefusedCall) throws {
    let failure = try onItsOwnThread { () -> SystemCallError? in
      try call.refuse()
      do throws(SystemCallError) {
        _ = try IOUring(entries: 8)
        return nil
      } catch {
        return error
      }
    }
    #expect(failure == SystemCallError(call == .setUpRing ? "io_uring_setup" : "io_uring_enter", .notPermitted))
  }

  @Test func saysThatItIsRefusedLater() throws {
    let failure = try onItsOwnThread { () -> SystemCallError? in
      let ring = try IOUring(entries: 8)
      try ring.syncData(-1, tag: 1)
      try RefusedCall.useRing.refuse()
      do throws(SystemCallError) {
        try ring.submit()
        return nil
      } catch {
        return error
      }
    }
    #expect(failure == SystemCallError("io_uring_enter", .notPermitted))
  }

  @Test func errorsAreResults() throws {
    try ring.syncData(-1, tag: 3)
    #expect(try results(1) == [3: -EBADF])
  }
}
