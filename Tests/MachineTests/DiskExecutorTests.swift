import DiskImage
import Host
import RefusedCalls
import Testing
import Virtio

@testable import Machine

@Suite("What does a disk's requests")
struct DiskExecutorTests {
  /// The kind of executor that comes of a `--disk`, and what is said about it.
  private static func outcome(
    _ argument: String, refusing call: RefusedCall?
  ) throws -> (isRing: Bool, lacks: [Errno]) {
    try onItsOwnThread {
      let file = try Descriptor.memory(named: "disk")
      try file.truncate(to: 4096)
      let disk = try Disk(path: "/proc/self/fd/\(file.number)", format: .raw, readOnly: false)
      if let call { try call.refuse() }
      var lacks: [Errno] = []
      let configuration = try DiskConfiguration(argument: argument)
      let executor = try configuration.executor(on: DiskBackend(disk, serial: []) { _ in }) { lacks.append($0.errno) }
      return (executor is RingBlockExecutor, lacks)
    }
  }

  @Test func isTheRingWhereThereIsOne() throws {
    #expect(try Self.outcome("a", refusing: nil) == (true, []))
    #expect(try Self.outcome("a,aio=none", refusing: nil) == (false, []))
  }

  @Test(arguments: [RefusedCall.setUpRing, .useRing]) func isSaidWhereThereIsNone(call: RefusedCall) throws {
    #expect(try Self.outcome("a", refusing: call) == (false, [.notPermitted]))
    #expect(try Self.outcome("a,aio=none", refusing: call) == (false, []), "nobody asked for it")
    #expect(throws: ImageError.self, "somebody did") { try Self.outcome("a,aio=io_uring", refusing: call) }
  }
}
