import Foundation
import Host
import Testing

/// Many guests at once, and a viewer that stands in the way. What is measured here has wide margins, as a test's machine does
/// other things too: `make bench-street` and `make bench-console` hold it to what is promised.
@Suite(
  "A street full of guests",
  .enabled(
    if: GuestRunner.reasonAgainstHost == nil,
    "A STREET FULL OF GUESTS WAS NOT TESTED: that needs a /dev/kvm on this host, as a lab has no room for so many"),
  .serialized)
struct StreetCrowdTests {
  /// A street with nobody else on it.
  private final class OwnStreet {
    let path = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit {
      _ = try? run(["stop", "--all", "--remove", "--grace", "0"])
      try? FileManager.default.removeItem(atPath: path)
    }

    struct Result {
      let status: Int32
      let cpuNanoseconds: UInt64
      let output: String
    }

    /// - Parameter output: the number of what it gets as its standard output.
    func start(_ words: [String], output: Int32) throws -> ChildProcess {
      let nothing = try Descriptor.open("/dev/null", .readWrite)
      let places = ["XDG_RUNTIME_DIR=\(path)", "XDG_STATE_HOME=\(path)/state", DetachedGuest.rowhouse]
      return try ChildProcess(
        "/usr/bin/env", places + words, descriptors: [nothing.number, output, nothing.number])
    }

    @discardableResult
    func run(_ words: [String]) throws -> Result {
      let file = try Descriptor.memory(named: "output")
      let program = try start(words, output: file.number)
      while true {
        if let (end, time, _) = try program.collect() {
          guard case .exited(let status) = end else { throw GuestRunner.Failure("\(words) was killed") }
          let output = try file.read(count: Int(try file.status().size), at: 0)
          return Result(
            status: status, cpuNanoseconds: time.userNanoseconds + time.systemNanoseconds,
            output: String(decoding: output, as: UTF8.self))
        }
        usleep(1000)
      }
    }

    /// The VMMs that are on this street.
    var processes: [Int32] {
      get throws {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter {
          let arguments = (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8)) ?? ""
          return arguments.contains("rowhouse-vmm\0") && arguments.contains(path)
        }
      }
    }
  }

  @Test func aHundredAreListedAndStopped() throws {
    let street = try OwnStreet()
    let kernel = GuestRunner.root + "/guests/build/ticks.elf"
    for number in 1...100 {
      let words = ["run", "--detach", "--name", "guest\(number)", kernel, "--memory", "16M", "--timeout", "170"]
      #expect(try street.run(words + ["--", "forever"]).status == 0)
    }
    let list = try street.run(["list"])
    #expect(list.output.split(separator: "\n").filter { $0.contains(" running ") }.count == 100)
    // It waits for nobody, so on a machine with nothing else to do that is all the time it takes.
    #expect(list.cpuNanoseconds < 100_000_000)
    #expect(try street.processes.count == 100)
    #expect(try street.run(["stop", "--all", "--remove", "--grace", "0"]).status == 0)
    #expect(try street.processes.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: street.path + "/rowhouse").isEmpty)
  }

  /// More than the kernel and the VMM keep for a viewer: it is cut off on the way.
  ///
  /// - Returns: nanoseconds from the key that makes the guest write to its end.
  private func flood(on street: OwnStreet, stoppingViewer: Bool) throws -> UInt64 {
    let kernel = GuestRunner.root + "/guests/build/flood-on-key.bin"
    let options = ["--boot", "flat", "--load-address", "0x10000", "--timeout", "100"]
    #expect(try street.run(["run", "--detach", "--name", "flood", kernel] + options).status == 0)
    let nowhere = try Descriptor.open("/dev/null", .writeOnly)
    var viewer: Int32?
    if stoppingViewer {
      viewer = try street.start(["console", "flood", "--read-only"], output: nowhere.number).process
    }
    if let viewer {
      try TerminalSession.wait(for: "the viewer") { try street.run(["list", "--json"]).output.contains("\"viewers\" : 1") }
      kill(viewer, SIGSTOP)
    }
    let start = Instant.now
    #expect(try street.run(["send", "flood", "x"]).status == 0)
    #expect(try street.run(["wait", "flood"]).status == 85)
    let time = Instant.now.nanoseconds(since: start)
    if let viewer {
      kill(viewer, SIGKILL)
      waitpid(viewer, nil, 0)
    }
    struct Meter: Decodable {
      struct Console: Decodable { let output_bytes: UInt64 }
      let console: Console
    }
    let text = try street.run(["meter", "flood", "--json"]).output
    let meter = try JSONDecoder().decode(Meter.self, from: Data(text.utf8))
    #expect(meter.console.output_bytes == 60_000 * 16)
    #expect(try street.run(["remove", "flood"]).status == 0)
    return time
  }

  @Test func aStoppedViewerSlowsNobody() throws {
    let street = try OwnStreet()
    var (alone, watched) = (UInt64.max, UInt64.max)
    for _ in 0..<2 {
      alone = min(alone, try flood(on: street, stoppingViewer: false))
      watched = min(watched, try flood(on: street, stoppingViewer: true))
    }
    #expect(Double(watched) < 1.5 * Double(alone), "\(alone) ns, with the viewer \(watched) ns")
  }
}
