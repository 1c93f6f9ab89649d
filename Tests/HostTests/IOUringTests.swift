import Glibc
import Host
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
  private func results(_ count: Int) -> [UInt64: Int32] {
    var results: [UInt64: Int32] = [:]
    while results.count < count {
      if let completion = ring.next() { results[completion.tag] = completion.result } else { ring.submitAndWait() }
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
      #expect(results(1) == [1: 17])
    }
    try ring.syncData(file.number, tag: 7)
    #expect(results(1) == [7: 0])
    // SAFETY: as above.
    try unsafe target.withUnsafeMutableBytes { target in
      let pieces = unsafe [iovec(iov_base: target.baseAddress, iov_len: target.count)]
      try unsafe pieces.withUnsafeBufferPointer { unsafe try ring.read(file.number, into: $0, at: 100, tag: .max) }
      #expect(results(1) == [.max: 17])
    }
    #expect(target == source)
  }

  @Test func signalsWhatHasFinished() throws {
    #expect(!isReadable)
    for tag in 0..<3 as Range<UInt64> { try ring.syncData(file.number, tag: tag) }
    ring.submitAndWait()
    #expect(isReadable)
    #expect(results(3) == [0: 0, 1: 0, 2: 0])
    #expect(!isReadable, "all of it was taken")
  }

  private var isReadable: Bool {
    // SAFETY: one local structure.
    var event = pollfd(fd: ring.number, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&event, 1, 0) == 1
  }

  /// More than there are entries: the first are sent off to make room.
  @Test func takesMoreThanItHasEntries() throws {
    for tag in 0..<20 as Range<UInt64> { try ring.syncData(file.number, tag: tag) }
    #expect(results(20).count == 20)
  }

  @Test func errorsAreResults() throws {
    try ring.syncData(-1, tag: 3)
    #expect(results(1) == [3: -EBADF])
  }
}
