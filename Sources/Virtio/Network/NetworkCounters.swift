import Synchronization

/// What went through a network card, seen from the guest: exact, since the card's start, frames without virtio's
/// header. Written by the card, read by anybody at any time.
package final class NetworkCounters: Sendable {
  package struct Direction: Equatable, Sendable {
    package var packets: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Packets that were neither delivered nor counted above.
    package var drops: UInt64 = 0
  }

  private let receivedPackets = Atomic<UInt64>(0)
  private let receivedBytes = Atomic<UInt64>(0)
  private let receivedDrops = Atomic<UInt64>(0)
  private let sentPackets = Atomic<UInt64>(0)
  private let sentBytes = Atomic<UInt64>(0)
  private let sentDrops = Atomic<UInt64>(0)

  /// Packets that the guest got. A drop is one that no buffer of the guest can hold.
  package var received: Direction {
    Direction(
      packets: receivedPackets.load(ordering: .relaxed), bytes: receivedBytes.load(ordering: .relaxed),
      drops: receivedDrops.load(ordering: .relaxed))
  }

  /// Packets that the guest gave and the host took. A drop is one that the host did not take: nobody is at the other
  /// end, it does not read, or the packet makes no sense.
  package var sent: Direction {
    Direction(
      packets: sentPackets.load(ordering: .relaxed), bytes: sentBytes.load(ordering: .relaxed),
      drops: sentDrops.load(ordering: .relaxed))
  }

  func countReceived(bytes: Int) {
    receivedPackets.wrappingAdd(1, ordering: .relaxed)
    receivedBytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
  }

  func countReceivedDrop() { receivedDrops.wrappingAdd(1, ordering: .relaxed) }

  func countSent(bytes: Int) {
    sentPackets.wrappingAdd(1, ordering: .relaxed)
    sentBytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
  }

  func countSentDrop() { sentDrops.wrappingAdd(1, ordering: .relaxed) }
}
