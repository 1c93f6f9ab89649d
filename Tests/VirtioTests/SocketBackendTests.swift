import Foundation
import Glibc
import Host
import Metering
import Synchronization
import Testing

@testable import Virtio

/// Two guests on a cable, and others who want to be on it.
@Suite("Network over a socket")
final class SocketBackendTests {
  private let folder: URL
  private var path: String { folder.path + "/cable" }
  private let place: UInt64 = 0x10_0000

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "cable-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// A guest with buffers for what comes.
  private final class Guest {
    let driver: MockDriver
    let meter: NetworkMeter
    private let place: UInt64 = 0x20_0000

    init(at path: String) throws {
      meter = try MeterPage(in: nil, MeterShape(cpuCount: 1, networkCount: 1), memoryBytes: 0, process: 1).network(0)
      driver = try MockDriver(Network(try SocketBackend(at: path), mac: [2, 0, 0, 0, 0, 1], meter: meter))
      try driver.start(.common, queueSize: 64)
      for index in 0..<32 as Range<UInt64> { driver.queues[0].offer([.writable(place + 4096 * index, 2048)]) }
      driver.kick(0)
    }

    var sentPackets: UInt64 { meter.reading(.fromGuest).packets }

    var isLinkUp: Bool { driver.readConfiguration(6, as: UInt16.self) == 1 }

    /// Sends a frame, if the device has taken enough of those before.
    func send(_ byte: UInt8, count: Int = 60) {
      guard driver.queues[1].freeCount > 0 else {
        driver.pump()
        return takeBack()
      }
      driver.put([UInt8](repeating: 0, count: 12) + [UInt8](repeating: byte, count: count), at: 0x10_0000)
      driver.queues[1].offer([.readable(0x10_0000, 12 + count)])
      driver.kick(1)
      takeBack()
    }

    private func takeBack() { while driver.queues[1].takeUsed() != nil {} }

    /// The first bytes of the frames that have come.
    func received() -> [UInt8] {
      driver.pump()
      var bytes: [UInt8] = []
      while driver.queues[0].takeUsed() != nil {
        bytes.append(driver.bytes(place + 4096 * UInt64(counted), 13)[12])
        counted += 1
      }
      return bytes
    }
    private var counted = 0
  }

  /// Lets all guests work until something is so, for ten seconds at most.
  private func soon(_ guests: Guest..., condition: () -> Bool) -> Bool {
    let deadline = Instant.now.advanced(byNanoseconds: 10_000_000_000)
    while Instant.now < deadline {
      for guest in guests { guest.driver.pump() }
      if condition() { return true }
      usleep(2000)
    }
    return false
  }

  private func connect() throws -> SharedDescriptor { SharedDescriptor(try .connect(to: path)) }

  private func write(_ bytes: [UInt8], to socket: SharedDescriptor) throws {
    // SAFETY: the array is only read.
    #expect(try unsafe bytes.withUnsafeBytes { unsafe try socket.descriptor.write($0) } == bytes.count)
  }

  /// What has come at the other end; nil when nothing has, empty when it was closed.
  private func read(_ socket: SharedDescriptor) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 100_000)
    // SAFETY: the array's own memory.
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe try? socket.descriptor.receiveWithoutWaiting(into: bytes)
    }
    return count.map { Array(buffer[..<$0]) }
  }

  private func hasClosed(_ socket: SharedDescriptor) -> Bool {
    while let bytes = read(socket) {
      if bytes.isEmpty { return true }
    }
    return false
  }

  @Test func twoGuestsMeet() throws {
    let first = try Guest(at: path)
    #expect(!first.isLinkUp)
    first.send(1)
    #expect(first.meter.reading(.fromGuest) == .init(packets: 0, bytes: 0, drops: 1), "nobody is there")
    _ = first.driver.takeInterrupt()
    let second = try Guest(at: path)
    #expect(second.isLinkUp)
    #expect(soon(first) { first.isLinkUp })
    #expect(first.driver.takeInterrupt() == 2)
    for byte in 2...9 as ClosedRange<UInt8> { first.send(byte) }
    second.send(42)
    #expect(second.received() == Array(2...9))
    #expect(first.received() == [42])
    #expect(second.meter.reading(.toGuest) == .init(packets: 8, bytes: 480, drops: 0))
    #expect(first.meter.reading(.fromGuest).bytes == 480)
  }

  @Test func theOneThatConnectsComesBack() throws {
    let first = try Guest(at: path)
    var second: Guest? = try Guest(at: path)
    #expect(soon(first) { first.isLinkUp })
    second = nil
    #expect(soon(first) { !first.isLinkUp })
    second = try Guest(at: path)
    #expect(soon(first) { first.isLinkUp })
    second!.send(7)
    #expect(first.received() == [7])
  }

  @Test func theOneThatListensComesBack() throws {
    var first: Guest? = try Guest(at: path)
    let second = try Guest(at: path)
    #expect(soon(first!) { first!.isLinkUp })
    first = nil
    #expect(!FileManager.default.fileExists(atPath: path), "the listener takes its file along")
    #expect(soon(second) { !second.isLinkUp })
    first = try Guest(at: path)
    #expect(soon(first!, second) { first!.isLinkUp && second.isLinkUp })
    second.send(7)
    #expect(first!.received() == [7])
  }

  @Test func aThirdIsTurnedAway() throws {
    let first = try Guest(at: path)
    let second = try Guest(at: path)
    #expect(soon(first) { first.isLinkUp })
    let third = try connect()
    #expect(soon(first) { hasClosed(third) })
    second.send(7)
    #expect(first.received() == [7])
  }

  @Test func theCableIsUnpluggedWhenTheMachineEnds() throws {
    let first = try Guest(at: path)
    let second = try Guest(at: path)
    #expect(soon(first) { first.isLinkUp })
    first.driver.transport.powerOff()
    #expect(soon(second) { !second.isLinkUp })
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  /// Also when the peer reads only then, and all of it is more than its socket holds.
  @Test func whatWasSentArrivesWhenTheMachineEnds() throws {
    let guest = try Guest(at: path)
    let peer = try connect()
    #expect(soon(guest) { guest.isLinkUp })
    for number in 0..<600 { guest.send(UInt8(truncatingIfNeeded: number), count: 996) }
    let arrived = Mutex(0)
    let reader = try Thread(named: "reader") {
      while true {
        do throws(SystemCallError) {
          let bytes = try peer.descriptor.read(atMost: 4096)
          if bytes.isEmpty { return }
          arrived.withLock { $0 += bytes.count }
        } catch where error.errno == .again {
          usleep(1000)
        } catch {
          return
        }
      }
    }
    guest.driver.transport.powerOff()
    reader.join()
    // Each behind its length, in four bytes.
    #expect(arrived.withLock { $0 } == 1000 * Int(guest.sentPackets))
  }

  // MARK: The path

  @Test func aFileThatNobodyListensAtIsReplaced() throws {
    let dead = try StreamListener(at: path)
    kill(dead)
    let first = try Guest(at: path)
    let second = try Guest(at: path)
    #expect(soon(first) { first.isLinkUp && second.isLinkUp })
    withExtendedLifetime(dead) {}
  }

  /// As when its program was killed: the file stays, and whoever connects is refused.
  private func kill(_ listener: StreamListener) { #expect(shutdown(listener.number, Int32(SHUT_RDWR)) == 0) }

  @Test func anotherFileIsLeftAlone() throws {
    try Data("precious".utf8).write(to: URL(filePath: path))
    #expect(throws: SystemCallError("bind", .addressInUse)) { try SocketBackend(at: path) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    #expect(throws: SystemCallError("open", .noSuchFile)) { try SocketBackend(at: folder.path + "/none/here") }
  }

  @Test func aFileThatIsSomebodyElsesNowStays() throws {
    var listener: StreamListener? = try StreamListener(at: path)
    try FileManager.default.removeItem(atPath: path)
    let other = try StreamListener(at: path)
    #expect(listener != nil)
    listener = nil
    #expect(throws: Never.self) { try connect() }
    withExtendedLifetime(other) {}
  }

  /// Many at once, at a file that nobody listens at: one listens, and all others find that one.
  @Test func manyComeAtOnce() throws {
    var dead: [StreamListener] = []
    for _ in 0..<20 {
      let meetings = Mutex<(listeners: [StreamListener], joined: Int)>(([], 0))
      let name = path
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        do {
          switch try SocketMeeting.at(name) {
          case .listening(let listener): meetings.withLock { $0.listeners.append(listener) }
          case .joined: meetings.withLock { $0.joined += 1 }
          }
        } catch {
          Issue.record("\(error)")
        }
      }
      let listeners = meetings.withLock { $0.listeners }
      #expect(listeners.count == 1)
      #expect(meetings.withLock { $0.joined } == 7)
      for listener in listeners { kill(listener) }
      dead += listeners
    }
  }

  // MARK: Peers that mean harm

  @Test func nonsenseCutsThePeerOffAndTheNextIsWelcome() throws {
    let guest = try Guest(at: path)
    for _ in 0..<2 {
      let peer = try connect()
      #expect(soon(guest) { guest.isLinkUp })
      try write([0xff, 0xff, 0xff, 0xff] + [UInt8](repeating: 0, count: 1000), to: peer)
      #expect(soon(guest) { !guest.isLinkUp })
      #expect(hasClosed(peer))
    }
    let peer = try connect()
    try write([0, 0, 0, 60] + [UInt8](repeating: 5, count: 60), to: peer)
    #expect(soon(guest) { guest.isLinkUp })
    #expect(guest.received() == [5])
  }

  /// A flood waits in the socket until the guest has room, and is not kept here.
  @Test func aFloodIsBounded() throws {
    let guest = try Guest(at: path)
    let peer = try connect()
    #expect(soon(guest) { guest.isLinkUp })
    let frames = (0..<100).flatMap { _ in [0, 0, 0, 60] + [UInt8](repeating: 5, count: 60) }
    var written = 0
    while written < 100 << 20 {
      // SAFETY: the array is only read.
      let count = unsafe frames.withUnsafeBytes { unsafe try? peer.descriptor.sendWithoutWaiting($0) }
      guard let count else { break }
      written += count
      guest.driver.pump()
    }
    #expect(written < 2 << 20)
    #expect(guest.meter.reading(.toGuest).packets == 32)
  }

  /// A guest waits for a peer that reads slowly, but not for one that does not read at all.
  @Test func aPeerThatDoesNotRead() throws {
    let guest = try Guest(at: path)
    let peer = try connect()
    #expect(soon(guest) { guest.isLinkUp })
    #expect(
      soon(guest) {
        guest.send(9, count: 1500)
        return guest.meter.reading(.fromGuest).drops > 100
      })
    #expect(guest.isLinkUp)
    let before = guest.meter.reading(.fromGuest)
    #expect(before.packets * 1500 < 1 << 20)
    // It reads again: whole frames, and new ones too.
    var stream: [UInt8] = []
    #expect(
      soon(guest) {
        while let bytes = read(peer) { stream += bytes }
        guest.send(10, count: 1500)
        return guest.meter.reading(.fromGuest).packets > before.packets + 10
      })
    let whole = stream.count / 1504
    for index in 0..<whole {
      #expect(stream[1504 * index..<1504 * index + 5] == [0, 0, 5, 220, stream[1504 * index + 4]])
    }
    #expect(whole >= Int(before.packets))
  }
}
