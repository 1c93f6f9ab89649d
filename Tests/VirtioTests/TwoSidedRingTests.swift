import CLinux
import GuestMemory
import Host
import Synchronization
import Testing

@testable import Virtio

/// Driver and device on a thread each, as they are. It finds who is not woken for a mistake in the order of things; what
/// a processor does with a missing fence it may find or not, by the processor and the compiler.
@Suite("Both sides of a queue at once")
struct TwoSidedRingTests {
  private static let rounds = 300_000
  private static let size: UInt16 = 8
  /// A side that sleeps for so many milliseconds was not woken.
  private static let patience: Int32 = 10_000

  /// The driver's side, which belongs to its thread once that runs.
  private final class Driver: @unchecked Sendable {
    let queue: DriverQueue
    let doorbell: EventFD
    let interrupt: EventFD
    var random = SeededRandom(seed: 1)
    let answers = Atomic<Int>(0)
    let sleeps = Atomic<Int>(0)

    init(_ queue: DriverQueue) throws {
      self.queue = queue
      doorbell = try EventFD()
      interrupt = try EventFD()
    }

    /// Offers and takes back, and sleeps whenever it can do neither.
    func run() {
      var (offered, taken) = (0, 0)
      while taken < TwoSidedRingTests.rounds {
        let most = Int.random(in: 1...Int(TwoSidedRingTests.size), using: &random)
        let before = offered
        while offered < TwoSidedRingTests.rounds, offered - taken < most {
          queue.offer([.writable(0x8000 + 16 * UInt64(offered % 64), 16)])
          offered += 1
        }
        if offered > before, queue.announce() { doorbell.signal() }
        while queue.takeUsed() != nil { taken += 1 }
        answers.store(taken, ordering: .relaxed)
        if offered - taken == 0 { continue }
        queue.askForInterrupt()
        if queue.usedIndex == queue.nextUsed {
          sleeps.wrappingAdd(1, ordering: .relaxed)
          guard linux_poll_readable(interrupt.number, TwoSidedRingTests.patience) > 0 else { return }
          interrupt.drain()
        }
        queue.wantsNoInterrupt = true
      }
    }
  }

  @Test(arguments: [Features(), .eventIndex]) func neitherSleepsWhileTheOtherWaits(features: Features) throws {
    let memory = try GuestMemory(bytes: 1 << 20)
    let queue = DriverQueue(size: Self.size, at: 0x1000, in: memory)
    queue.features = features
    let driver = try Driver(queue)
    let device = Virtqueue(maximumSize: Self.size, in: memory)
    try device.start(QueueLayout(queue), features: features)
    let thread = try Thread(named: "driver") { driver.run() }
    var chain = DescriptorChain(in: memory)
    var (done, sleeps) = (0, 0)
    while done < Self.rounds {
      while try device.next(into: &chain) {
        try device.use(chain, written: 16)
        done += 1
        if done % 3 == 0, try device.publish() { driver.interrupt.signal() }
      }
      if try device.publish() { driver.interrupt.signal() }
      if done == Self.rounds { break }
      sleeps += 1
      try #require(linux_poll_readable(driver.doorbell.number, Self.patience) > 0, "the device was not notified")
      driver.doorbell.drain()
    }
    thread.join()
    #expect(driver.answers.load(ordering: .relaxed) == Self.rounds, "the driver was not interrupted")
    #expect(sleeps > 100 && driver.sleeps.load(ordering: .relaxed) > 100, "both have slept now and then")
  }
}
