import GuestMemory
import Testing
import Virtio

/// Every chain that a driver can put into a small queue, against a model that follows the specification word by word.
@Suite("Chains in small queues")
struct ChainModelTests {
  let memory: GuestMemory
  /// Behind the rings: a buffer, and room for an indirect table.
  static let buffer: UInt64 = 0x3000
  static let table: UInt64 = 0x4000
  static let beyondRAM: UInt64 = 0x10_0000

  init() throws { memory = try GuestMemory(bytes: Self.beyondRAM) }

  struct Shape {
    var address: UInt64
    var length: UInt32
    var flags: UInt16
    var next: UInt16
  }

  struct Piece: Equatable {
    let address: UInt64
    let length: UInt32
    let isWritable: Bool
  }

  /// What a chain means, nil when it means nothing.
  private func model(_ head: UInt16, _ queue: DriverQueue, indirect: Bool) -> [Piece]? {
    func entry(_ table: UInt64, _ index: Int) -> Shape? {
      guard let bytes = try? memory.read(GuestAddress(table + 16 * UInt64(index)), count: 16) else { return nil }
      func number(_ range: Range<Int>) -> UInt64 { range.reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) } }
      return Shape(
        address: number(0..<8), length: UInt32(number(8..<12)), flags: UInt16(number(12..<14)),
        next: UInt16(number(14..<16)))
    }
    /// The entries that are reached in a table, the reference to an indirect one included.
    func follow(_ table: UInt64, size: Int, from first: Int) -> [Shape]? {
      var shapes: [Shape] = []
      var index = first
      while true {
        // One entry twice is a loop.
        guard index < size, shapes.count <= size, let shape = entry(table, index) else { return nil }
        shapes.append(shape)
        if shape.flags & 4 != 0 { return shape.flags & 1 == 0 ? shapes : nil }
        if shape.flags & 1 == 0 { return shapes }
        index = Int(shape.next)
      }
    }
    guard var shapes = follow(queue.descriptors.rawValue, size: Int(queue.size), from: Int(head)) else { return nil }
    if let last = shapes.last, last.flags & 4 != 0 {
      guard indirect, last.length > 0, last.length % 16 == 0, isRAM(last.address, last.length),
        let inner = follow(last.address, size: Int(last.length / 16), from: 0),
        !inner.contains(where: { $0.flags & 4 != 0 })
      else { return nil }
      shapes = shapes.dropLast() + inner
    }
    guard shapes.count <= queue.size, shapes.allSatisfy({ $0.length > 0 && isRAM($0.address, $0.length) }),
      shapes.reduce(0, { $0 + UInt64($1.length) }) <= 1 << 32
    else { return nil }
    let pieces = shapes.map { Piece(address: $0.address, length: $0.length, isWritable: $0.flags & 2 != 0) }
    let writable = pieces.drop { !$0.isWritable }
    return writable.allSatisfy(\.isWritable) ? pieces : nil
  }

  private func isRAM(_ address: UInt64, _ length: UInt32) -> Bool {
    address < Self.beyondRAM && UInt64(length) <= Self.beyondRAM - address
  }

  private func real(_ head: UInt16, _ queue: DriverQueue, indirect: Bool) throws -> [Piece]? {
    let device = Virtqueue(maximumSize: queue.size, in: memory)
    try device.start(QueueLayout(queue), features: indirect ? .common : [.version1])
    var chain = DescriptorChain(in: memory)
    do throws(VirtioFault) {
      guard try device.next(into: &chain) else { return nil }
    } catch {
      return nil
    }
    let readable = chain.ranges[..<chain.readableRangeCount].reduce(0) { $0 + $1.count }
    let writable = chain.ranges[chain.readableRangeCount...].reduce(0) { $0 + $1.count }
    if chain.head != head || chain.readableBytes != readable || chain.writableBytes != writable {
      Issue.record("head or sums of \(chain)")
    }
    return chain.ranges.enumerated().map { index, range in
      Piece(
        address: range.start.rawValue, length: UInt32(range.count), isWritable: index >= chain.readableRangeCount)
    }
  }

  /// - Returns: whether the chain was good.
  private func check(
    _ queue: DriverQueue, _ head: UInt16, indirect: Bool, _ what: @autoclosure () -> String
  ) throws -> Bool {
    queue.setAvailableIndex(0)
    queue.putHead(head)
    _ = queue.announce()
    let expected = model(head, queue, indirect: indirect)
    let got = try real(head, queue, indirect: indirect)
    if got != expected { Issue.record("\(what()): \(String(describing: got)), not \(String(describing: expected))") }
    return got != nil
  }

  private func set(_ queue: DriverQueue, _ index: UInt16, _ shape: Shape, table: UInt64? = nil) {
    queue.setDescriptor(
      index, address: shape.address, length: shape.length, flags: shape.flags, next: shape.next,
      table: table.map { GuestAddress($0) })
  }

  private static func shapes(_ addresses: [UInt64], _ lengths: [UInt32], next: [UInt16]) -> [Shape] {
    var shapes: [Shape] = []
    for address in addresses {
      for length in lengths {
        for flags in UInt16(0)..<8 {
          for next in next { shapes.append(Shape(address: address, length: length, flags: flags, next: next)) }
        }
      }
    }
    return shapes
  }

  @Test func everyQueueOfOne() throws {
    let queue = DriverQueue(size: 1, at: 0x1000, in: memory)
    let addresses = [Self.buffer, 0x1000, Self.beyondRAM - 16, Self.beyondRAM, .max - 15, .max]
    let shapes = Self.shapes(addresses, [0, 1, 15, 16, 17, 32, .max], next: [0, 1, 0xffff])
    var good = 0
    for shape in shapes {
      set(queue, 0, shape)
      for head in [0, 1, 0xffff] as [UInt16] {
        for indirect in [false, true] where try check(queue, head, indirect: indirect, "\(shape) from \(head)") {
          good += 1
        }
      }
    }
    #expect(good > 50, "the model and the queue both refuse everything")
  }

  /// The indirect tables are the queue's own table, and one that holds buffers.
  @Test func everyQueueOfTwo() throws {
    let queue = DriverQueue(size: 2, at: 0x1000, in: memory)
    set(queue, 0, Shape(address: Self.buffer, length: 8, flags: 1, next: 1), table: Self.table)
    set(queue, 1, Shape(address: Self.buffer, length: 8, flags: 2, next: 0), table: Self.table)
    let shapes = Self.shapes([0x1000, Self.table, Self.beyondRAM], [0, 16, 32], next: [0, 1, 2])
    var good = 0
    for first in shapes {
      set(queue, 0, first)
      for second in shapes where second.next != 2 || first.next != 2 {
        set(queue, 1, second)
        if try check(queue, 0, indirect: true, "\(first), \(second)") { good += 1 }
      }
    }
    #expect(good > 1000)
  }

  /// Every chain from entry 0 on in a queue of four, and in an indirect table of four. An entry that the chain does not
  /// come to makes no difference. All addresses are one, which is good for a buffer and for a table.
  @Test(arguments: [false, true]) func everyChainOfFour(isInTable: Bool) throws {
    let queue = DriverQueue(size: 4, at: 0x1000, in: memory)
    if isInTable { set(queue, 0, Shape(address: Self.table, length: 64, flags: 4, next: 0)) }
    let inner: UInt64 = 0x5000
    set(queue, 0, Shape(address: Self.buffer, length: 8, flags: 1, next: 1), table: inner)
    set(queue, 1, Shape(address: Self.buffer, length: 8, flags: 2, next: 0), table: inner)
    var (tried, good) = (0, 0)
    func choose(_ index: UInt16, after others: [UInt16]) throws {
      let reached = others + [index]
      for flags in UInt16(0)..<8 {
        for next in flags & 1 == 0 ? 0...0 : 0...4 as ClosedRange<UInt16> {
          let shape = Shape(address: inner, length: 32, flags: flags, next: next)
          set(queue, index, shape, table: isInTable ? Self.table : nil)
          if flags & 1 != 0, next < 4, !reached.contains(next) {
            try choose(next, after: reached)
            continue
          }
          tried += 1
          for indirect in [false, true] {
            if try check(queue, 0, indirect: indirect, "\(reached), \(shape)") { good += 1 }
          }
        }
      }
    }
    try choose(0, after: [])
    #expect(tried == 11_340)
    #expect(good > 50)
  }

  @Test(arguments: [1, 2, 4] as [UInt16]) func randomQueues(size: UInt16) throws {
    var random = SeededRandom(seed: UInt64(size))
    let queue = DriverQueue(size: size, at: 0x1000, in: memory)
    var good = 0
    for round in 0..<20_000 {
      for index in 0..<size { set(queue, index, shape(size, &random)) }
      for index in 0..<UInt16(6) { set(queue, index, shape(6, &random), table: Self.table) }
      let head = UInt16.random(in: 0...size, using: &random)
      if try check(queue, head, indirect: round % 8 != 0, "round \(round)") { good += 1 }
    }
    #expect(good > 1000)
  }

  /// Mostly sensible, so that chains get long.
  private func shape(_ size: UInt16, _ random: inout SeededRandom) -> Shape {
    let isIndirect = Int.random(in: 0..<4, using: &random) == 0
    let isOdd = Int.random(in: 0..<24, using: &random) == 0
    return Shape(
      address: isOdd ? [Self.beyondRAM, .max, Self.beyondRAM - 1].randomElement(using: &random)!
        : isIndirect ? Self.table : Self.buffer,
      length: isOdd ? [0, 7, .max].randomElement(using: &random)! : 16 * UInt32.random(in: 1...6, using: &random),
      flags: isIndirect ? [4, 4, 4, 6, 5].randomElement(using: &random)! : UInt16.random(in: 0..<4, using: &random),
      next: UInt16.random(in: 0...(isOdd ? size : size - 1), using: &random))
  }
}

/// The same numbers every time (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
