import Devices
import GuestMemory
import Host
import Virtio

/// A guest whose driver does what a fuzzer says: anything, in any order, but in the words of drivers, so that most
/// inputs get past the first check.
///
/// Its memory is small: registers and counts are drawn from places and sizes where something is, or just is not.
final class FuzzGuest {
  static let memoryBytes: UInt64 = 0x1_0000
  /// Behind the rings of up to six queues, a page each; requests' headers and data are there.
  private static let buffers: UInt64 = 0x8000
  private static let indirectTable: UInt64 = 0x7000
  /// Registers that are written to (virtio 1.2, 4.2.2), and one that is not there.
  private static let registers: [UInt64] = [
    0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x64, 0x70, 0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4, 0xac, 0xc0, 0xfc, 0x101,
  ]

  let memory: GuestMemory
  let transport: MMIOTransport
  private let line: InterruptLine
  private let loop: EventLoop
  private let runner: DeviceRunner
  private let stopper: EventFD
  private var turnsLeft = 0
  private var availableIndices: [UInt16]

  init(_ device: sending any VirtioDevice) throws {
    memory = try GuestMemory(bytes: Self.memoryBytes)
    line = try InterruptLine()
    transport = try MMIOTransport(device, memory: memory, interrupt: line)
    loop = try EventLoop()
    runner = try DeviceRunner(transport, on: loop)
    stopper = try EventFD()
    availableIndices = transport.doorbells.map { _ in 0 }
    try loop.add(stopper.number, .readable) { [unowned self] _ in
      stopper.drain()
      turnsLeft -= 1
      if turnsLeft == 0 { loop.stop() } else { stopper.signal() }
    }
  }

  deinit { runner.close() }

  /// Plays an input to its end. Afterwards the device must be as good as new for a driver that resets it, whatever
  /// happened.
  ///
  /// - Parameter host: something happens at the host's end of the device.
  func play(_ input: inout FuzzInput, _ host: (inout FuzzInput) -> Void = { _ in }) {
    while !input.isEmpty {
      switch input.below(12) {
      case 0: start(&input)
      case 1: offerRequest(&input)
      case 2: setDescriptor(&input)
      case 3: offer(input.below(8), on: queue(&input))
      case 4: put(input.some(32), at: address(&input))
      case 5: storeAvailableIndex(input.integer(), queue(&input))
      case 6: notify(queue(&input))
      case 7: write(input.one(of: Self.registers), 4, UInt64(input.integer(UInt32.self)))
      case 8: write(0x100 + UInt64(input.byte() & 63), 1 << input.below(4), input.integer(UInt64.self))
      case 9: _ = transport.read(offset: UInt64(input.integer(UInt16.self) & 0x1ff), size: 1 << input.below(4))
      case 10: resetQueue(&input)
      default:
        host(&input)
        pump()
      }
    }
    pump()
    expectRecovery(host)
  }

  private func queue(_ input: inout FuzzInput) -> Int { input.below(transport.doorbells.count) }

  private func write(_ register: UInt64, _ size: Int, _ value: UInt64) {
    transport.write(offset: register, size: size, value: value)
  }

  // MARK: The driver's deeds

  private func start(_ input: inout FuzzInput) {
    negotiate(withoutFeatures: input.byte() & 1 == 0 ? 0 : input.integer(UInt64.self))
    let size = UInt64(1) << UInt64(input.below(5))
    for index in transport.doorbells.indices { addQueue(index, size: size, at: UInt64(index + 1) << 12) }
    write(0x70, 4, 15)
    pump()
  }

  /// Reset, then all that the device offers but for `refused`.
  private func negotiate(withoutFeatures refused: UInt64) {
    write(0x70, 4, 0)
    availableIndices = availableIndices.map { _ in 0 }
    write(0x70, 4, 3)
    for word in 0..<2 as Range<UInt64> {
      write(0x14, 4, word)
      write(0x24, 4, word)
      let offered = transport.read(offset: 0x10, size: 4)
      write(0x20, 4, offered & ~(refused >> (32 * word)) | word)
    }
    write(0x70, 4, 11)
  }

  private func addQueue(_ index: Int, size: UInt64, at place: UInt64) {
    write(0x30, 4, UInt64(index))
    write(0x38, 4, size)
    for (register, offset) in [(0x80, 0), (0x90, 0x400), (0xa0, 0x800)] as [(UInt64, UInt64)] {
      write(register, 4, place + offset)
    }
    write(0x44, 4, 1)
  }

  private func resetQueue(_ input: inout FuzzInput) {
    let index = queue(&input)
    write(0x30, 4, UInt64(index))
    write(0xc0, 4, 1)
    availableIndices[index] = 0
    if input.byte() & 1 != 0 { addQueue(index, size: 8, at: UInt64(index + 1) << 12) }
    pump()
  }

  /// A chain from descriptor 0 on, or through an indirect table, of a header and up to seven further buffers.
  private func offerRequest(_ input: inout FuzzInput) {
    let index = queue(&input)
    let shape = input.byte()
    let isIndirect = shape & 8 != 0
    let table = isIndirect ? Self.indirectTable : UInt64(index + 1) << 12
    let count = UInt64(shape & 7) + 1
    for entry in 0..<count {
      let isWritable = input.byte() & 1 != 0
      write(
        descriptor: table + 16 * entry, address(&input), length(&input),
        flags: (isWritable ? 2 : 0) | (entry + 1 < count ? 1 : 0), next: UInt16(entry + 1))
    }
    if isIndirect { write(descriptor: UInt64(index + 1) << 12, table, UInt32(16 * count), flags: 4, next: 0) }
    offer(0, on: index)
    notify(index)
  }

  private func setDescriptor(_ input: inout FuzzInput) {
    let table = input.byte() & 1 == 0 ? UInt64(queue(&input) + 1) << 12 : Self.indirectTable
    write(
      descriptor: table + 16 * UInt64(input.below(8)), address(&input), length(&input), flags: UInt16(input.below(8)),
      next: UInt16(input.below(9)))
  }

  private func write(descriptor place: UInt64, _ address: UInt64, _ length: UInt32, flags: UInt16, next: UInt16) {
    var bytes: [UInt8] = []
    for shift in [0, 8, 16, 24, 32, 40, 48, 56] as [UInt64] {
      bytes.append(UInt8(truncatingIfNeeded: address >> shift))
    }
    for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
    for word in [flags, next] { bytes += [UInt8(truncatingIfNeeded: word), UInt8(word >> 8)] }
    put(bytes, at: place)
  }

  private func offer(_ head: Int, on index: Int) {
    put([UInt8(head), 0], at: UInt64(index + 1) << 12 + 0x404 + 2 * UInt64(availableIndices[index] & 7))
    storeAvailableIndex(availableIndices[index] &+ 1, index)
  }

  private func storeAvailableIndex(_ value: UInt16, _ index: Int) {
    availableIndices[index] = value
    put([UInt8(truncatingIfNeeded: value), UInt8(value >> 8)], at: UInt64(index + 1) << 12 + 0x402)
  }

  private func notify(_ index: Int) {
    write(0x50, 4, UInt64(index))
    pump()
  }

  /// Among the buffers; or on the rings, at the end of memory, where addresses wrap, or wherever the input says.
  private func address(_ input: inout FuzzInput) -> UInt64 {
    let choice = input.byte()
    switch choice {
    case 0..<0xf8: return Self.buffers + UInt64(choice) << 7
    case 0xf8: return 0x1000
    case 0xf9: return Self.memoryBytes - 16
    case 0xfa: return Self.memoryBytes
    case 0xfb: return .max - 15
    case 0xfc: return Self.buffers + 1
    default: return input.integer()
    }
  }

  private func length(_ input: inout FuzzInput) -> UInt32 {
    let choice = input.byte()
    let usual: [UInt32] = [16, 1, 512, 4, 10, 12, 4096, 0, 24, 1500, 8192, 513, 0x8000, .max, 1 << 31]
    return Int(choice) < usual.count ? usual[Int(choice)] : choice == 0xff ? input.integer() : UInt32(choice)
  }

  /// The guest has no bytes outside its memory, so it cannot write any there.
  private func put(_ bytes: [UInt8], at address: UInt64) { try? memory.write(bytes, at: GuestAddress(address)) }

  // MARK: The machine's part

  /// Lets the I/O thread do what it was asked for by now.
  private func pump() {
    turnsLeft = 3
    stopper.signal()
    try? loop.run()
  }

  private func expectRecovery(_ host: (inout FuzzInput) -> Void) {
    write(0x70, 4, 0)
    precondition(transport.read(offset: 0x70, size: 4) == 0, "a device that was reset has a status")
    let before = try? memory.read(GuestAddress(0), count: Int(Self.memoryBytes))
    for event in 0..<4 as Range<UInt8> {
      var input = FuzzInput([event, 60, 60, 60])
      host(&input)
    }
    for index in transport.doorbells.indices { write(0x50, 4, UInt64(index)) }
    pump()
    precondition(
      identical(before, try? memory.read(GuestAddress(0), count: Int(Self.memoryBytes))),
      "a device that was reset has written to guest memory")
    negotiate(withoutFeatures: 0)
    try? memory.zero(GuestAddress(0), count: Int(Self.memoryBytes))
    for index in transport.doorbells.indices { addQueue(index, size: 8, at: UInt64(index + 1) << 12) }
    write(0x70, 4, 15)
    pump()
    precondition(transport.read(offset: 0x70, size: 4) == 15, "a device does not start after a reset")
    transport.powerOff()
  }
}
