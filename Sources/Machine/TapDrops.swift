import Host
import Metering

/// Packets for the guest that the host's kernel threw away, as nobody had emptied the queues of its TAP devices: they
/// never came to the VMM, but the kernel counts them.
struct TapDrops {
  private struct Card {
    let number: Int
    let interface: String
    /// What the kernel has said up to now.
    var seen: UInt64
  }

  private var cards: [Card] = []

  /// To be made when the devices are open: what one that was there before had lost by then is not this guest's.
  init(_ networks: [NetworkConfiguration]) {
    for (number, network) in networks.enumerated() {
      guard case .tap(let interface) = network.end else { continue }
      cards.append(Card(number: number, interface: interface, seen: InterfaceDrops.sent(by: interface) ?? 0))
    }
  }

  /// Counts what is new since the last time.
  mutating func count(in meter: MeterPage) {
    for index in cards.indices {
      guard let now = InterfaceDrops.sent(by: cards[index].interface) else { continue }
      // Less than before: the machine was made anew, and the device with it.
      let new = now >= cards[index].seen ? now - cards[index].seen : now
      cards[index].seen = now
      if new > 0 { meter.network(cards[index].number).countDrops(.toGuest, new) }
    }
  }
}
