import Glibc
import Host
import Synchronization
import Testing

@Suite("Threads")
struct ThreadTests {
  /// The calling thread's name, as `ps -L` shows it.
  private static func ownName() -> String {
    guard let file = try? Descriptor.open("/proc/thread-self/comm", .readOnly) else { return "" }
    var bytes = [UInt8](repeating: 0, count: 32)
    // SAFETY: the buffer is as long as the array that it stands for.
    let got = (try? unsafe bytes.withUnsafeMutableBytes { unsafe try file.read(into: $0) }) ?? 0
    return String(decoding: bytes[..<got], as: UTF8.self)
  }

  private final class Box: Sendable {
    let text = Mutex("")
  }

  @Test(arguments: [("vcpu 0", "vcpu 0\n"), ("a name that is too long", "a name that is \n")])
  func hasAName(name: String, expected: String) throws {
    let box = Box()
    let thread = try Thread(named: name) { box.text.withLock { $0 = Self.ownName() } }
    thread.join()
    #expect(box.text.withLock { $0 } == expected)
  }

  @Test func joinWaitsForTheEnd() throws {
    let ended = Atomic<Bool>(false)
    let thread = try Thread(named: "slow") {
      usleep(30_000)
      ended.store(true, ordering: .releasing)
    }
    thread.join()
    let hasEnded = ended.load(ordering: .acquiring)
    #expect(hasEnded)
  }

  @Test func closureIsReleased() throws {
    weak var weakBox: Box?
    do {
      let box = Box()
      weakBox = box
      try Thread(named: "holder") { box.text.withLock { $0 = "held" } }.join()
    }
    #expect(weakBox == nil)
  }

  @Test func countsItsTime() throws {
    let stop = Atomic<Bool>(false)
    let thread = try Thread(named: "busy") { while !stop.load(ordering: .relaxed) {} }
    let deadline = Instant.now.advanced(byNanoseconds: 5_000_000_000)
    while thread.cpuNanoseconds < 1_000_000, Instant.now < deadline {}
    #expect(thread.cpuNanoseconds >= 1_000_000)
    stop.store(true, ordering: .relaxed)
    thread.join()
  }

  @Test func impossibleStacksAreRefused() {
    #expect(throws: SystemCallError.self) { try Thread(named: "huge", stackBytes: 1 << 50) {}.join() }
  }
}
