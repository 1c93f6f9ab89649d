import Glibc
import Host
import Testing

@Suite("Child processes", .serialized)
struct ChildProcessTests {
  /// Runs a shell command and returns how it ended and what it wrote to its descriptor 3.
  private func shell(
    _ command: String, defaults: [Int32] = []
  ) throws -> (end: ChildProcess.End, cpuTime: ChildProcess.CPUTime, memory: ChildProcess.MemoryUse, text: String) {
    let output = try Descriptor.memory(named: "child-output")
    let child = try ChildProcess(
      "/bin/sh", ["-c", command], descriptors: [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, output.number],
      defaults: defaults)
    while true {
      if let (end, cpuTime, memory) = try child.collect() {
        let bytes = try output.read(count: Int(try output.status().size), at: 0)
        return (end, cpuTime, memory, String(decoding: bytes, as: UTF8.self))
      }
      usleep(1000)
    }
  }

  @Test(arguments: [0, 1, 127, 255] as [Int32])
  func exitStatus(status: Int32) throws {
    #expect(try shell("exit \(status)").end == .exited(status: status))
  }

  @Test(arguments: [SIGTERM, SIGKILL, SIGSEGV])
  func signal(signal: Int32) throws {
    #expect(try shell("ulimit -c 0; kill -\(signal) $$").end == .killed(signal: signal))
  }

  @Test func cpuTimeIsCounted() throws {
    let time = try shell("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done").cpuTime
    #expect(time.userNanoseconds + time.systemNanoseconds > 1_000_000)
  }

  @Test func memoryIsCounted() throws {
    let memory = try shell("head -c 50000000 /dev/zero | { read -r -d x line; true; }; true").memory
    #expect(memory.minorFaults > 100)
    #expect(memory.peakResidentBytes > 1 << 20)
  }

  @Test func getsItsDescriptorsAndNoOther() throws {
    // Open here for every child to inherit, but for what ChildProcess does about it.
    let other = try Descriptor.memory(named: "not-inherited")
    #expect(fcntl(other.number, F_SETFD, 0) == 0)
    // The listing itself needs a descriptor above ours.
    let text = try shell("ls -l /proc/$$/fd >&3").text
    #expect(text.contains("memfd:child-output"))
    #expect(!text.contains("memfd:not-inherited"))
  }

  @Test func descriptorsMayChangePlaces() throws {
    let first = try Descriptor.memory(named: "first")
    let second = try Descriptor.memory(named: "second")
    let numbers = [second.number, first.number, STDERR_FILENO, first.number, second.number]
    let child = try ChildProcess("/bin/sh", ["-c", "printf one >&1; printf two >&4"], descriptors: numbers)
    while try child.collect() == nil { usleep(1000) }
    #expect(try first.read(count: 9, at: 0) == Array("one".utf8))
    #expect(try second.read(count: 9, at: 0) == Array("two".utf8))
  }

  @Test func ignoredSignalsAreReset() throws {
    let old = Glibc.signal(SIGPIPE, SIG_IGN)
    defer { Glibc.signal(SIGPIPE, old) }
    #expect(try shell("kill -PIPE $$", defaults: [SIGPIPE]).end == .killed(signal: SIGPIPE))
    #expect(try shell("kill -PIPE $$").end == .exited(status: 0))
  }

  @Test func aProgramThatIsNotThere() {
    #expect(throws: SystemCallError("exec", .noSuchFile)) {
      _ = try ChildProcess("/nowhere/program", [], descriptors: [0, 1, 2])
    }
    #expect(throws: SystemCallError("exec", .permissionDenied)) {
      _ = try ChildProcess("/", [], descriptors: [0, 1, 2])
    }
  }
}
