import Glibc
import Host
import Machine
import Metering
import Testing

@testable import rowhouse

@Suite("A run's record")
struct RunRecordTests {
  private static let spawned = Instant(nanoseconds: 1_000_000_000)

  private static func at(_ nanoseconds: UInt64) -> Instant { spawned.advanced(byNanoseconds: nanoseconds) }

  /// A meter as a VMM would leave it.
  private func meter(_ verdict: Verdict?, state: GuestState = .ended) throws -> MeterReading {
    let file = SharedDescriptor(try .memory(named: "test-meter"))
    let page = try MeterPage(in: file, MeterShape(cpuCount: 2), memoryBytes: 64 << 20, process: 77)
    page.set(state)
    page.reached(.processStarted, at: Self.at(1_000))
    page.reached(.guestStarted, at: Self.at(2_000_000))
    if state == .ended { page.reached(.guestEnded, at: Self.at(215_400_000)) }
    page.addMark(123, source: 0, at: Self.at(3_000))
    page.addMark(0x55, source: 1, at: Self.at(4_000))
    page.count(10, .output)
    page.cpu(0).countExit(.portWrite)
    page.cpu(1).countExit(.portWrite)
    page.cpu(0).raiseTimeRun(to: 500)
    page.cpu(1).raiseTimeRun(to: 600)
    if let verdict { page.setVerdict(code: verdict.code.code, value: verdict.code.value) }
    let reading = try MeterReading(of: file.descriptor)
    return try #require(reading)
  }

  private func record(_ end: ChildProcess.End, _ meter: MeterReading?) -> RunRecord? {
    var configuration = Configuration()
    configuration.kernel = "guests/\"quoted\"/hello.elf"
    configuration.cpuCount = 2
    configuration.memoryBytes = 64 << 20
    return RunRecord(
      configuration, end, cpuTime: .init(userNanoseconds: 7, systemNanoseconds: 8), spawned: Self.spawned,
      wallNanoseconds: 300_000_000, meter: meter)
  }

  @Test(arguments: [
    Verdict.powerOff, .reset, .debugExit(3), .panic, .tripleFault, .halted, .unsupported, .timeout, .stopped,
  ])
  func theMeterHasTheVerdict(verdict: Verdict) throws {
    let record = try #require(self.record(.exited(status: verdict.exitStatus), try meter(verdict)))
    #expect(record.verdict == verdict)
    #expect(record.crashSignal == nil)
    #expect(record.sentence.hasPrefix(verdict.description))
  }

  @Test func aRefusalIsNoRun() throws {
    #expect(record(.exited(status: 2), nil) == nil)
    #expect(record(.exited(status: 2), try meter(nil, state: .starting)) == nil)
  }

  @Test func aRunWithoutVerdictIsTheHostsFault() throws {
    #expect(record(.exited(status: 1), try meter(nil, state: .running))?.verdict == .hostFailed)
  }

  @Test func signals() throws {
    #expect(record(.killed(signal: SIGKILL), try meter(nil, state: .running))?.verdict == .killed)
    #expect(record(.killed(signal: SIGTERM), nil)?.verdict == .stopped)
    #expect(record(.killed(signal: SIGQUIT), try meter(nil, state: .running))?.verdict == .stopped)
    let crash = try #require(self.record(.killed(signal: SIGSEGV), try meter(nil, state: .running)))
    #expect(crash.verdict == .hostFailed)
    #expect(crash.verdict.exitStatus == 1)
    #expect(
      crash.sentence
        == "the VMM crashed by signal 11 (Segmentation fault) after 0.298 s, which is a fault of its own")
  }

  @Test("What the guest did counts, and not how its VMM was ended afterwards", arguments: [SIGKILL, SIGTERM])
  func killedAfterTheVerdict(signal: Int32) throws {
    #expect(record(.killed(signal: signal), try meter(.panic))?.verdict == .panic)
  }

  @Test func sentences() throws {
    #expect(record(.exited(status: 0), try meter(.powerOff))?.sentence == "the guest powered off after 0.213 s")
    #expect(
      record(.exited(status: 101), try meter(.panic))?.sentence
        == "the guest's kernel panicked (after 0.213 s, exit status 101)")
    #expect(RunRecord.format(0) == "0.000 s")
    #expect(RunRecord.format(59_999_499_999) == "59.999 s")
    #expect(RunRecord.format(59_999_500_000) == "60.000 s")
  }

  @Test func document() throws {
    let record = try #require(self.record(.exited(status: 7), try meter(.debugExit(3))))
    let text = VerdictDocument(record).json
    #expect(text.hasSuffix("}\n"))
    #expect(text == VerdictDocument(record).json)
    let expected = """
      {
        "console" : {
          "dropped_bytes" : 0,
          "input_bytes" : 0,
          "output_bytes" : 10
        },
        "cpu_nanoseconds" : {
          "vcpus" : [
            500,
            600
          ],
          "vmm_system" : 8,
          "vmm_user" : 7
        },
        "cpus" : 2,
        "exit_status" : 7,
        "exits" : {
          "interrupted" : 0,
          "memory_read" : 0,
          "memory_write" : 0,
          "other" : 0,
          "port_read" : 0,
          "port_write" : 2
        },
        "kernel" : "guests/\\"quoted\\"/hello.elf",
        "marks" : [
          {
            "byte" : 123,
            "nanoseconds" : 3000,
            "source" : "boot_timer"
          },
          {
            "byte" : 85,
            "nanoseconds" : 4000,
            "source" : "post_code"
          }
        ],
        "memory_bytes" : 67108864,
        "phases" : {
          "guest_ended_nanoseconds" : 215400000,
          "guest_started_nanoseconds" : 2000000,
          "process_started_nanoseconds" : 1000
        },
        "value" : 3,
        "verdict" : "debugExit",
        "wall_nanoseconds" : 300000000
      }

      """
    #expect(text == expected)
  }

  @Test func documentWithoutMeter() throws {
    let record = try #require(self.record(.killed(signal: SIGKILL), nil))
    let text = VerdictDocument(record).json
    #expect(text.contains("\"verdict\" : \"killed\""))
    #expect(text.contains("\"exit_status\" : 137"))
    #expect(!text.contains("\"value\""))
  }
}
