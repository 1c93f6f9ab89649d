import Foundation
import Host
import Machine
import Metering
import RefusedCalls
import Synchronization
import Testing

@testable import rowhouse

/// The ledger has each guest once, whatever happens to those who write it.
@Suite("The ledger")
final class LedgerTests {
  private let root: URL
  private let ledger: Ledger

  init() throws {
    root = FileManager.default.temporaryDirectory.appending(path: "ledger-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    ledger = Ledger(path: root.path + "/deep/er/ledger.jsonl")
  }

  deinit { try? FileManager.default.removeItem(at: root) }

  private func folder(_ name: String) throws -> GuestFolder {
    let url = root.appending(path: name)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return GuestFolder(name: try GuestName(name, option: name), path: url.path)
  }

  /// A meter of a guest that ran for two seconds.
  static func meter(ended: Bool = true, started: Bool = true, suspendedSeconds: UInt64 = 0) throws -> MeterReading {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), MeterShape(cpuCount: 2, diskCount: 1, networkCount: 1),
      memoryBytes: 1 << 28, process: 9)
    page.set(ended ? .ended : .running)
    if ended { page.setVerdict(code: 1, value: 0) }
    page.reached(.processStarted, at: Instant(nanoseconds: 1_000_000_000))
    if started { page.reached(.guestStarted, at: Instant(nanoseconds: 2_000_000_000)) }
    if ended { page.reached(.guestEnded, at: Instant(nanoseconds: 4_000_000_000)) }
    for cpu in 0..<2 { page.cpu(cpu).raiseTimeRun(to: 500_000_000) }
    page.disk(0).count(.toGuest, bytes: 4096, latency: 10)
    page.disk(0).count(.fromGuest, bytes: 512, latency: 10)
    page.network(0).count(.toGuest, bytes: 60)
    page.network(0).count(.fromGuest, bytes: 70)
    page.setHostThrottled(nanoseconds: 40)
    let start = try #require(try MeterReading(of: file.descriptor)).startedSince1970
    page.setSample(
      at: Instant(nanoseconds: 3_500_000_000), since1970: start + 2_500_000_000 + suspendedSeconds * 1_000_000_000,
      deviceNanoseconds: 250_000_000, resident: 1 << 20, residentPeak: 1 << 21,
      residentKibibyteSeconds: 3600 << 20)
    return try #require(try MeterReading(of: file.descriptor))
  }

  private func record(_ name: String = "one") throws -> LedgerRecord {
    try #require(LedgerRecord(name, nil, try Self.meter()))
  }

  @Test func totalsAreTheMeters() throws {
    let record = try record()
    #expect(record.verdict == "poweroff" && record.runNanoseconds == 2_000_000_000)
    #expect(record.cpuNanoseconds == 1_000_000_000 && record.deviceNanoseconds == 250_000_000)
    #expect(record.diskReadBytes == 4096 && record.diskWrittenBytes == 512 && record.diskReads == 1)
    #expect(record.networkReceivedBytes == 60 && record.networkSentBytes == 70)
    #expect(record.hostThrottledNanoseconds == 40 && record.throttledNanoseconds == 0)
    #expect(record.residentPeakBytes == 1 << 21 && record.residentByteSeconds == 3600 << 30)
  }

  @Test func aKilledGuestIsAsItWasLastSeen() throws {
    let record = try #require(LedgerRecord("one", nil, try Self.meter(ended: false)))
    #expect(record.verdict == "crashed" && record.runNanoseconds == 1_500_000_000)
    #expect(LedgerRecord("one", nil, try Self.meter(started: false)) == nil, "it never ran")
  }

  @Test func onceIsEnough() throws {
    let (folder, record) = (try folder("one"), try record())
    for _ in 0..<3 { try ledger.settle(record, in: folder) }
    #expect(try ledger.content().records == [record])
  }

  @Test func manyWritersWriteOnce() throws {
    let (folder, record) = (try folder("one"), try record())
    let ledger = ledger
    let threads = try (0..<8).map { _ in try Thread(named: "settle") { try? ledger.settle(record, in: folder) } }
    for thread in threads { thread.join() }
    #expect(try ledger.content().records == [record])
  }

  @Test("After a crash between two steps the next one finds out how far it was")
  func crashesBetweenSteps() throws {
    let (folder, record) = (try folder("one"), try record())
    try ledger.settle(record, in: folder)
    // The record is there, but nobody came to say so.
    try FileManager.default.removeItem(atPath: folder.path + "/settled")
    try ledger.settle(record, in: folder)
    #expect(try ledger.content().records.count == 1)
    // The intention is there, but not the record.
    let (other, second) = (try self.folder("two"), try self.record("two"))
    let length = try Data(contentsOf: URL(filePath: ledger.path)).count
    try Data(String(length).utf8).write(to: URL(filePath: other.path + "/settling"))
    try ledger.settle(second, in: other)
    #expect(try ledger.content().records == [record, second])
  }

  @Test("After a power failure the run is found by itself", arguments: [nil, "", "\0\0\0", "99999999"])
  func powerFailures(settling: String?) throws {
    let (folder, record) = (try folder("one"), try record())
    // Nothing of what is in memory comes back.
    if settling == nil, try FileSystem(of: folder.path).isInMemory { return }
    try ledger.settle(try self.record("before"), in: nil)
    try ledger.settle(record, in: folder)
    try ledger.settle(try self.record("after"), in: nil)
    try FileManager.default.removeItem(atPath: folder.path + "/settled")
    try FileManager.default.removeItem(atPath: folder.path + "/settling")
    if let settling { try folder.write(settling, to: .settling) }
    try ledger.settle(record, in: folder)
    #expect(try ledger.content().records.map(\.name) == ["before", "one", "after"])
    // The other way round: what was begun has not become durable, as little as where it was.
    let (other, second) = (try self.folder("two"), try self.record("two"))
    if let settling { try other.write(settling, to: .settling) }
    try ledger.settle(second, in: other)
    #expect(try ledger.content().records.map(\.name) == ["before", "one", "after", "two"])
  }

  @Test("For a folder in memory, which no power failure leaves behind, the ledger is not searched")
  func foldersInMemory() throws {
    let place = "/dev/shm/ledger-\(UUID().uuidString)"
    try Folder.make(place)
    defer { try? FileManager.default.removeItem(atPath: place) }
    #expect(try FileSystem(of: place).isInMemory && !FileSystem(of: "/proc").isInMemory)
    let record = try record()
    try ledger.settle(record, in: nil)
    // As nobody's folder can be that said nothing before it went down: only who searches would find the other.
    try ledger.settle(record, in: GuestFolder(name: GuestName("one", option: "name"), path: place))
    #expect(try ledger.content().records == [record, record])
  }

  @Test("No record is in a ledger whose name is not durable: who comes next would not know")
  func namesComeFirst() throws {
    let (folder, record, ledger) = (try folder("one"), try record(), ledger)
    try Folder.makeAll(ledger.path.parentFolder)
    #expect(throws: SystemCallError.self) {
      try onItsOwnThread {
        try RefusedCall.syncData.refuse()
        try ledger.settle(record, in: folder)
      }
    }
    #expect(try Data(contentsOf: URL(filePath: ledger.path)).isEmpty)
    try ledger.settle(record, in: folder)
    #expect(try ledger.content().records == [record])
  }

  @Test("A record that is being appended is not read by halves")
  func readingWaitsForWriters() throws {
    let (first, second) = (try record("one"), try record("two"))
    try ledger.settle(first, in: nil)
    let line = try Data(contentsOf: URL(filePath: ledger.path))
    try ledger.settle(second, in: nil)
    let rest = try Data(contentsOf: URL(filePath: ledger.path)).dropFirst(line.count)
    try line.write(to: URL(filePath: ledger.path))

    var writer: SharedDescriptor? = SharedDescriptor(try .open(ledger.path, [.writeOnly, .append]))
    try writer?.descriptor.lockExclusively()
    try writer?.descriptor.writeAll(Array(rest.prefix(100)))
    let read = Mutex<Ledger.Content?>(nil)
    let reader = try Thread(named: "reader") { [ledger] in
      let content = try? ledger.content()
      read.withLock { $0 = content }
    }
    // For one who does not wait to read now. Who waits reads the same, however long this takes.
    usleep(100_000)
    try writer?.descriptor.writeAll(Array(rest.dropFirst(100)))
    writer = nil
    reader.join()
    #expect(read.withLock { $0 } == Ledger.Content(records: [first, second]))
  }

  @Test func aCutLineSpoilsNoOther() throws {
    try ledger.settle(try record("one"), in: nil)
    let file = try FileHandle(forWritingTo: URL(filePath: ledger.path))
    try file.seekToEnd()
    try file.write(contentsOf: Data("{\"run\":\"half".utf8))
    try file.close()
    let second = try record("two")
    try ledger.settle(second, in: nil)
    #expect(try ledger.content().records.map(\.name) == ["one", "two"])
    #expect(try ledger.content().records.last == second)
    #expect(try ledger.content().otherLines == [2])
  }

  @Test("What cannot be written is said, leaves no half of a line, and is written when it can be")
  func aLedgerWithoutRoom() throws {
    let (folder, record) = (try folder("one"), try record())
    let place = (ledger.path as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: ledger.path, withDestinationPath: "/dev/full")
    #expect { try ledger.settle(record, in: folder) } throws: { ($0 as? SystemCallError)?.errno == Errno(rawValue: ENOSPC) }
    try FileManager.default.removeItem(atPath: ledger.path)
    try FileManager.default.createDirectory(atPath: ledger.path, withIntermediateDirectories: true)
    #expect { try ledger.settle(record, in: folder) } throws: { ($0 as? SystemCallError)?.errno == .isDirectory }
    try FileManager.default.removeItem(atPath: ledger.path)
    try ledger.settle(record, in: folder)
    #expect(try ledger.content().records == [record])
  }

  @Test func anEmptyLedger() throws { #expect(try ledger.content() == Ledger.Content()) }

  @Test func whatIsNotInTheBillIsSaid() {
    #expect(BillCommand.warning([]) == nil)
    #expect(BillCommand.warning([7])?.hasPrefix("line 7 is no record") == true)
    #expect(
      BillCommand.warning(Array(2...10))?.hasPrefix(
        "9 lines are no records, and not in the bill: 2, 3, 4, 5, 6, 7, 8, 9, …;") == true)
  }

  @Test("A record without a field that came later is one still")
  func recordsOfBefore() throws {
    let record = try record()
    try ledger.settle(record, in: nil)
    let url = URL(filePath: ledger.path)
    let text = try String(contentsOf: url, encoding: .utf8)
    try Data(text.replacing(#""host_throttled_nanoseconds":40,"#, with: "").utf8).write(to: url)
    let before = try #require(try ledger.content().records.first)
    #expect(before.hostThrottledNanoseconds == nil && before.run == record.run)
  }

  @Test("An hour that the host was suspended is between start and end, and in no figure")
  func suspendedHosts() throws {
    let (record, other) = (
      try #require(LedgerRecord("one", nil, try Self.meter())),
      try #require(LedgerRecord("one", nil, try Self.meter(suspendedSeconds: 3600)))
    )
    func duration(_ record: LedgerRecord) throws -> TimeInterval {
      try Date(record.ended, strategy: .iso8601).timeIntervalSince(try Date(record.started, strategy: .iso8601))
    }
    // Texts are of whole seconds.
    #expect(try (2...4).contains(duration(record)) && (3602...3604).contains(duration(other)))
    #expect(record.runNanoseconds == other.runNanoseconds)
  }
}

@Suite("The bill")
struct BillTests {
  private func bill(_ grouping: Bill.Grouping) throws -> Bill {
    let record = try #require(LedgerRecord("web", nil, try LedgerTests.meter()))
    let other = try #require(LedgerRecord("db", nil, try LedgerTests.meter()))
    return Bill([record, other, record], by: grouping)
  }

  @Test func sums() throws {
    let bill = try bill(.name)
    #expect(bill.lines.map(\.of) == ["db", "web"] && bill.lines.map(\.runs) == [1, 2])
    #expect(bill.lines[1].cpuSeconds == 2.5 && bill.lines[1].gibibyteHours == 2)
    #expect(bill.total.diskReadBytes == 3 * 4096 && bill.total.networkSentBytes == 210)
  }

  @Test func days() throws { #expect(try bill(.day).lines.count == 1) }

  @Test func csv() throws {
    let lines = try bill(.name).text(.csv).split(separator: "\r\n")
    #expect(lines.count == 3 && lines[2] == "web,2,2.500000000,2.000000000,8192,1024,120,140")
  }

  @Test func moments() throws {
    let now = try Date("2026-03-02T10:00:00Z", strategy: .iso8601)
    #expect(try BillCommand.moment("2026-03-01", now: now) == "2026-03-01T00:00:00Z")
    #expect(try BillCommand.moment("2026-03-01T12:30:00Z", now: now) == "2026-03-01T12:30:00Z")
    #expect(try BillCommand.moment("12h", now: now) == "2026-03-01T22:00:00Z")
    #expect(try BillCommand.moment("2d", now: now) == "2026-02-28T10:00:00Z")
    for text in ["", "yesterday", "h", "-1d", "2026-13-01"] {
      #expect(throws: ConfigurationError.self, "\(text)") { try BillCommand.moment(text, now: now) }
    }
  }
}
