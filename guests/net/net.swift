import Hardware

/// Speaks just enough to ping and be pinged, with the address 10.7.0.N of `host=N`.
///
/// It answers ARP and echo requests until it has answered as many as `answers=N` says, or as many frames have come as
/// `frames=N` says. With `peer=N` it sends `count=N` echo requests in frames of `bytes=N` bytes to 10.7.0.N instead,
/// each after the answer to the one before, and expects them all to be answered; or, with `stream`, `count=N` frames
/// that ask for no answer, as fast as they go. With `sink` it takes frames of any size, looks at none, and answers
/// nothing; with both it does both at once. At the end it says what went through its card.
@main enum Net: Guest {
  private static let network: UInt32 = 10 << 24 | 7 << 16

  static func run(_ start: StartInfo) {
    let options = start.options
    func address(_ key: StaticString) -> UInt32? {
      options.number(key).map { number in
        expect(number > 0 && number < 255, "\(key)= wants a number from 1 to 254")
        return network | UInt32(number)
      }
    }
    let isSink = options.contains("sink")
    var host = Host(NetworkCard(takesLargeFrames: isSink), address("host") ?? network | 1)
    say("address=\(hex: UInt64(host.card.address.high) << 32 | UInt64(host.card.address.low), width: 12)")
    if let peer = address("peer") {
      let bytes = Int(options.number("bytes") ?? 98)
      expect(
        bytes >= Frame.leastBytes && bytes <= NetworkCard.mostFrameBytes,
        "bytes= wants a number from \(Frame.leastBytes) to \(NetworkCard.mostFrameBytes)")
      let count = Int(options.number("count") ?? 1)
      if options.contains("stream") {
        host.stream(to: peer, count: count, bytes: bytes, sinks: isSink)
      } else {
        host.ping(peer, count: count, bytes: bytes)
      }
    } else {
      let wanted = options.number("answers").map { Int($0) } ?? .max
      let frames = options.number("frames").map { Int($0) } ?? .max
      say(isSink ? "taking" : "answering")
      if isSink { host.card.sink(frames: frames) }
      while host.answers < wanted, host.card.received.packets < frames { host.work() }
    }
    let card = host.card
    say("sent: packets=\(card.sent.packets) bytes=\(card.sent.bytes)")
    say("received: packets=\(card.received.packets) bytes=\(card.received.bytes)")
  }
}

/// A host on the network, which has one address and one peer at most.
private struct Host {
  var card: NetworkCard
  private let address: UInt32
  private(set) var answers = 0
  /// Who answered to ARP, and the last echo that came back.
  private var peer: (address: UInt32, hardware: Frame.HardwareAddress)?
  private var echo: UInt16?

  /// After so many cycles without an answer a question is asked again: about a second.
  private static let patience: UInt64 = 1 << 31
  private static let attempts = 30

  init(_ card: NetworkCard, _ address: UInt32) {
    self.card = card
    self.address = address
  }

  /// Handles a packet, if one has come.
  mutating func work() {
    var answers = answers, peer = peer, echo = echo
    let address = address
    let hasWorked = card.receive { card, frame in
      let reply = card.outgoingFrame
      switch frame.content(for: address) {
      case .arpRequest:
        reply.makeARP(operation: 2, from: card.address, address, to: frame.sender, frame.arpSender)
        card.send(Frame.leastBytes)
      case .arpReply: peer = (frame.arpSender, frame.sender)
      case .echoRequest:
        reply.makeEchoReply(to: frame, from: card.address)
        card.send(frame.count)
        answers += 1
      case .echoReply:
        expect(frame.isEchoSound, "an echo came back damaged")
        echo = frame.echoNumber
      case .other: break
      }
    }
    (self.answers, self.peer, self.echo) = (answers, peer, echo)
    if !hasWorked { pause_cpu() }
  }

  /// Asks who has an address, until somebody says so.
  private mutating func find(_ target: UInt32) -> Frame.HardwareAddress {
    for _ in 0..<Self.attempts where peer?.address != target {
      card.outgoingFrame.makeARP(operation: 1, from: card.address, address, to: .unknown, target)
      card.send(Frame.leastBytes)
      wait { $0.peer?.address == target }
    }
    guard let peer, peer.address == target else { fail("nobody has the address \(hex: UInt64(target))") }
    return peer.hardware
  }

  /// Frames for an address that nobody has.
  mutating func stream(to target: UInt32, count: Int, bytes: Int, sinks: Bool) {
    let hardware = find(target)
    card.outgoingFrame.makeEchoRequest(0, bytes: bytes, from: card.address, address, to: hardware, 0)
    card.stream(frames: count, count: bytes, sinks: sinks)
  }

  mutating func ping(_ target: UInt32, count: Int, bytes: Int) {
    let hardware = find(target)
    for number in 0..<count {
      let number = UInt16(truncatingIfNeeded: number)
      echo = nil
      card.outgoingFrame.makeEchoRequest(
        number, bytes: bytes, from: card.address, address, to: hardware, target)
      card.send(bytes)
      wait { $0.echo == number }
      expect(echo == number, "echo \(number) did not come back")
    }
    say("answered=\(count)")
  }

  private mutating func wait(until condition: (Host) -> Bool) {
    let start = rdtsc()
    while !condition(self), rdtsc() &- start < Self.patience { work() }
  }
}
