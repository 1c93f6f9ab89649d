import Hardware

/// An Ethernet frame in memory, with the few fields of ARP (RFC 826), IPv4 (RFC 791) and ICMP (RFC 792) that it takes
/// to ping.
struct Frame {
  let start: UInt
  let count: Int

  struct HardwareAddress {
    let high: UInt16
    let low: UInt32

    static let broadcast = HardwareAddress(high: .max, low: .max)
    static let unknown = HardwareAddress(high: 0, low: 0)
  }

  // Where fields are.
  private enum Ethernet { static let (target, source, kind) = (0, 6, 12) }
  private enum ARP {
    static let kind: UInt16 = 0x0806
    static let (formats, lengths, operation) = (14, 18, 20)
    static let (senderHardware, sender, targetHardware, target) = (22, 28, 32, 38)
  }
  private enum IP {
    static let kind: UInt16 = 0x0800
    static let (version, length, identity, fragment, lifetime, checksum, source, target) =
      (14, 16, 18, 20, 22, 24, 26, 30)
  }
  private enum ICMP { static let (kind, checksum, identity, number, data) = (34, 36, 38, 40, 42) }

  /// The shortest frame on Ethernet, without its checksum.
  static let leastBytes = 60
  static let arpBytes = 42

  enum Content {
    case arpRequest, arpReply, echoRequest, echoReply, other
  }

  /// What it is, if it is for `address`. A fragment or a header with options is something else.
  func content(for address: UInt32) -> Content {
    guard count >= Self.arpBytes else { return .other }
    if short(Ethernet.kind) == ARP.kind, long(ARP.target) == address {
      switch short(ARP.operation) {
      case 1: return .arpRequest
      case 2: return .arpReply
      default: return .other
      }
    }
    guard short(Ethernet.kind) == IP.kind, byte(IP.version) == 0x45, byte(IP.lifetime + 1) == 1,
      short(IP.fragment) & 0x3fff == 0, long(IP.target) == address
    else { return .other }
    switch byte(ICMP.kind) {
    case 8: return .echoRequest
    case 0: return .echoReply
    default: return .other
    }
  }

  var sender: HardwareAddress { HardwareAddress(high: short(Ethernet.source), low: long(Ethernet.source + 2)) }
  var arpSender: UInt32 { long(ARP.sender) }
  var echoNumber: UInt16 { short(ICMP.number) }

  func makeARP(
    operation: UInt16, from source: HardwareAddress, _ sourceAddress: UInt32, to target: HardwareAddress,
    _ targetAddress: UInt32
  ) {
    makeEthernet(from: source, to: operation == 1 ? .broadcast : target, ARP.kind)
    setLong(ARP.formats, 0x0001_0800)  // Ethernet, IPv4
    setShort(ARP.lengths, 0x0604)
    setShort(ARP.operation, operation)
    set(ARP.senderHardware, source)
    setLong(ARP.sender, sourceAddress)
    set(ARP.targetHardware, operation == 1 ? .unknown : target)
    setLong(ARP.target, targetAddress)
  }

  /// An echo request that fills `bytes` bytes.
  func makeEchoRequest(
    _ number: UInt16, bytes: Int, from source: HardwareAddress, _ sourceAddress: UInt32, to target: HardwareAddress,
    _ targetAddress: UInt32
  ) {
    makeEthernet(from: source, to: target, IP.kind)
    setShort(IP.version, 0x4500)
    setShort(IP.length, UInt16(bytes - IP.version))
    setShort(IP.identity, number)
    setShort(IP.fragment, 0)
    setShort(IP.lifetime, 64 << 8 | 1)
    setShort(IP.checksum, 0)
    setLong(IP.source, sourceAddress)
    setLong(IP.target, targetAddress)
    setShort(IP.checksum, checksum(from: IP.version, to: ICMP.kind))
    setShort(ICMP.kind, 8 << 8)
    setShort(ICMP.checksum, 0)
    setShort(ICMP.identity, 0x686f)
    setShort(ICMP.number, number)
    for index in ICMP.data..<bytes { setByte(index, UInt8(truncatingIfNeeded: index)) }
    setShort(ICMP.checksum, checksum(from: ICMP.kind, to: bytes))
  }

  /// Makes the answer to an echo request, by its copy with both ends exchanged. The checksums stay right: that of IP
  /// sums the same words, and that of ICMP 0x0800 less (RFC 1624). One that was wrong stays wrong.
  func makeEchoReply(to request: Frame, from source: HardwareAddress) {
    PhysicalAddress(UInt64(start)).copy(from: PhysicalAddress(UInt64(request.start)), count: request.count)
    makeEthernet(from: source, to: request.sender, IP.kind)
    setLong(IP.source, request.long(IP.target))
    setLong(IP.target, request.long(IP.source))
    setByte(ICMP.kind, 0)
    let sum = UInt32(short(ICMP.checksum)) + 0x0800
    setShort(ICMP.checksum, UInt16(truncatingIfNeeded: sum + sum >> 16))
  }

  /// Whether the echo's checksum is right.
  var isEchoSound: Bool {
    checksum(from: ICMP.kind, to: min(count, IP.version + Int(short(IP.length)))) == 0
  }

  private func makeEthernet(from source: HardwareAddress, to target: HardwareAddress, _ kind: UInt16) {
    set(Ethernet.target, target)
    set(Ethernet.source, source)
    setShort(Ethernet.kind, kind)
  }

  /// The Internet's checksum (RFC 1071).
  private func checksum(from first: Int, to end: Int) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: first, to: end - 1, by: 2) { sum += UInt32(short(index)) }
    if (end - first) % 2 == 1 { sum += UInt32(byte(end - 1)) << 8 }
    while sum > 0xffff { sum = (sum & 0xffff) + sum >> 16 }
    return ~UInt16(sum)
  }

  // MARK: Fields, with the highest byte first

  private func byte(_ offset: Int) -> UInt8 { load(offset, as: UInt8.self) }
  private func short(_ offset: Int) -> UInt16 { load(offset, as: UInt16.self).byteSwapped }
  private func long(_ offset: Int) -> UInt32 { load(offset, as: UInt32.self).byteSwapped }

  private func load<Value: BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
    PhysicalAddress(UInt64(start) + UInt64(offset)).load(as: type)
  }

  private func setByte(_ offset: Int, _ value: UInt8) { mmio_write8(start + UInt(offset), value) }

  private func setShort(_ offset: Int, _ value: UInt16) {
    setByte(offset, UInt8(value >> 8))
    setByte(offset + 1, UInt8(truncatingIfNeeded: value))
  }

  private func setLong(_ offset: Int, _ value: UInt32) { mmio_write32(start + UInt(offset), value.byteSwapped) }

  private func set(_ offset: Int, _ address: HardwareAddress) {
    setShort(offset, address.high)
    setLong(offset + 2, address.low)
  }
}
