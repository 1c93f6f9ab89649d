import GuestMemory
import Host
import Metering

/// A network device at work: moves packets between the queues and the backend, each through a private buffer, so that
/// what was checked is what is sent.
final class NetworkLink {
  private let features: Features
  /// The most bytes of a packet that nobody cuts, where the driver knows of an MTU; with its header, and a VLAN's tag
  /// (5.1.4.1).
  private let mostWholeBytes: Int
  private let backend: any NetworkBackend
  private let meter: NetworkMeter?
  private var passage: LimitedPassage?
  private let receiveQueue: Virtqueue
  private let transmitQueue: Virtqueue
  private var outgoing = [UInt8](repeating: 0, count: NetworkHeader.mostPacketBytes)
  private var transmitChain: DescriptorChain
  /// The length of the packet that has to wait; 0: none does. It stays what it was when the limits were asked: the
  /// driver may write something else into its buffers meanwhile.
  private var outgoingCount = 0
  /// A packet that came and has no place in the guest yet.
  private var incoming = [UInt8](repeating: 0, count: NetworkHeader.mostPacketBytes)
  private var incomingCount = 0
  /// The buffers that a packet is spread over; used again for the next.
  private var receiveChains: [DescriptorChain]
  /// The driver has no room for the packet that waits: nothing is taken from the host until it has.
  private var isStarved = false
  /// Whether packets of the host have to wait there.
  var takesNothing: Bool { isStarved || passage?.isHeld(.toGuest) ?? false }
  /// When the limits let packets go on that they hold back; nil when there are none.
  var wakeAt: Instant? { passage?.wakeAt }

  init(
    _ activation: Activation, _ backend: any NetworkBackend, mtu: UInt16?, _ meter: NetworkMeter?,
    _ limiter: RateLimiter?, receive: Virtqueue, transmit: Virtqueue
  ) {
    features = activation.features
    mostWholeBytes = if let mtu, features.contains(.networkMTU) { Int(mtu) + 18 } else { .max }
    self.backend = backend
    self.meter = meter
    passage = limiter.map { LimitedPassage($0, meter) }
    receiveQueue = receive
    transmitQueue = transmit
    transmitChain = DescriptorChain(in: activation.memory)
    receiveChains = [transmitChain]
  }

  /// What the driver's reset finds on its way is lost.
  deinit {
    for direction in FlowDirection.allCases { passage?.lose(direction) }
  }

  // MARK: From the guest

  /// Sends what the driver offers, as far as the backend takes it.
  ///
  /// - Returns: whether there may be more.
  func transmit() throws(VirtioFault) -> Bool {
    defer { backend.flush() }
    for _ in 0..<transmitQueue.size {
      guard !backend.isBlocked, try takeOutgoing() else {
        passage?.rest(.fromGuest)
        return false
      }
      let bytes = outgoingCount - NetworkHeader.byteCount
      switch passage?.ask(.fromGuest, bytes: bytes, at: .now) {
      case .open, nil:
        switch sendOutgoing() {
        case .sent:
          meter?.count(.fromGuest, bytes: bytes)
          passage?.leave(.fromGuest)
        case .dropped:
          meter?.countDrop(.fromGuest)
          passage?.lose(.fromGuest)
        case .notNow: return false
        }
      case .held: return false
      case .closed: meter?.countDrop(.fromGuest)
      }
      outgoingCount = 0
      try transmitQueue.use(transmitChain, written: 0)
    }
    return transmitQueue.isInUse
  }

  /// The transmit queue is not used any more: what waits to be sent is lost.
  func forgetOutgoing() {
    outgoingCount = 0
    passage?.lose(.fromGuest)
    passage?.rest(.fromGuest)
  }

  /// The receive queue is not used any more: nobody waits to be let in until it is.
  func holdNothing() { passage?.rest(.toGuest) }

  private func sendOutgoing() -> SendOutcome {
    let count = outgoingCount
    // What is no Ethernet frame cannot be on a cable.
    guard count >= NetworkHeader.byteCount + NetworkHeader.frameBytes.lowerBound else { return .dropped }
    // SAFETY: the array keeps its bytes in place for the call, which only reads them; it has at least `count`.
    return unsafe outgoing.withUnsafeBytes { unsafe backend.send(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }

  /// Takes the next packet out of the guest and checks its header (5.1.6.2), unless one waits.
  ///
  /// - Returns: whether there is one.
  private func takeOutgoing() throws(VirtioFault) -> Bool {
    if outgoingCount > 0 { return true }
    guard try transmitQueue.next(into: &transmitChain) else { return false }
    guard transmitChain.writableBytes == 0, transmitChain.readableBytes > UInt64(NetworkHeader.byteCount),
      transmitChain.readableBytes <= UInt64(NetworkHeader.mostPacketBytes)
    else { throw .malformedRequest }
    let count = Int(transmitChain.readableBytes)
    try transmitChain.read(at: 0, into: &outgoing, count: count)
    guard NetworkHeader(flags: outgoing[0], segmentation: outgoing[1]).isAllowed(features) else {
      throw .malformedRequest
    }
    outgoingCount = count
    return true
  }

  // MARK: To the guest

  /// Takes packets from the host as long as the driver has room for them, and no more than a queue's worth.
  ///
  /// - Returns: whether there may be more.
  func deliver() throws(VirtioFault) -> Bool {
    isStarved = false
    for _ in 0..<receiveQueue.size {
      if incomingCount == 0 {
        // SAFETY: the array has room for the largest packet.
        guard let count = unsafe incoming.withUnsafeMutableBytes({ unsafe backend.receive(into: $0) }) else {
          passage?.rest(.toGuest)
          return false
        }
        guard let header = NetworkHeader(flags: incoming[0], segmentation: incoming[1]).received(features),
          header.isCut || count - NetworkHeader.byteCount <= mostWholeBytes
        else {
          meter?.countDrop(.toGuest)
          continue
        }
        (incoming[0], incomingCount) = (header.flags, count)
      }
      switch passage?.ask(.toGuest, bytes: incomingCount - NetworkHeader.byteCount, at: .now) {
      case .open, nil: break
      case .held: return false
      case .closed:
        meter?.countDrop(.toGuest)
        incomingCount = 0
        continue
      }
      switch try place() {
      case .done: passage?.leave(.toGuest)
      case .tooLarge:
        meter?.countDrop(.toGuest)
        passage?.lose(.toGuest)
      case .noRoom:
        isStarved = true
        return false
      }
      incomingCount = 0
    }
    return receiveQueue.isInUse
  }

  private enum Placement {
    case done
    /// The driver has to add buffers first.
    case noRoom
    /// It would not fit into all that a driver can have.
    case tooLarge
  }

  /// Puts the packet that waits into the driver's buffers (5.1.6.4): one, or with merged buffers as many as it takes.
  private func place() throws(VirtioFault) -> Placement {
    var room: UInt64 = 0
    var taken = 0
    let most = features.contains(.networkMergedBuffers) ? Int(receiveQueue.size) : 1
    while room < UInt64(incomingCount), taken < most {
      if taken == receiveChains.count { receiveChains.append(receiveChains[0]) }
      guard try receiveQueue.next(into: &receiveChains[taken]) else {
        receiveQueue.putBack(UInt16(taken))
        return .noRoom
      }
      guard receiveChains[taken].readableBytes == 0,
        receiveChains[taken].writableBytes >= UInt64(NetworkHeader.byteCount)
      else { throw .malformedRequest }
      room += receiveChains[taken].writableBytes
      taken += 1
    }
    guard room >= UInt64(incomingCount) else {
      receiveQueue.putBack(UInt16(taken))
      return .tooLarge
    }
    // num_buffers, which is 1 where buffers are not merged.
    incoming[10] = UInt8(truncatingIfNeeded: taken)
    incoming[11] = UInt8(truncatingIfNeeded: taken >> 8)
    let incoming = incoming
    // SAFETY: bytes have no padding.
    let packet = unsafe incoming.span.bytes
    var done = 0
    for chain in receiveChains[..<taken] {
      let count = Int(min(chain.writableBytes, UInt64(incomingCount - done)))
      try chain.write(packet.extracting(done..<done + count), at: 0)
      try receiveQueue.use(chain, written: UInt64(count))
      done += count
    }
    meter?.count(.toGuest, bytes: done - NetworkHeader.byteCount)
    return .done
  }
}
