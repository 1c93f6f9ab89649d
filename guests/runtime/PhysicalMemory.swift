/// An address in guest-physical memory, below 4 GiB where the guest's page tables reach.
struct PhysicalAddress {
  let rawValue: UInt64

  init(_ rawValue: UInt64) { self.rawValue = rawValue }

  func advanced(by count: Int) -> PhysicalAddress {
    PhysicalAddress(rawValue &+ UInt64(bitPattern: Int64(count)))
  }

  /// A copy of the value at this address, aligned or not. Reading address 0 is an error: there is never
  /// anything that a boot loader means a guest to find.
  func load<Value: BitwiseCopyable>(as type: Value.Type) -> Value {
    // SAFETY: the first 4 GiB are mapped onto themselves, and a page fault beyond them ends the guest with
    // a report.
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: UInt(rawValue)) else {
      fail("a null address was read")
    }
    return unsafe pointer.loadUnaligned(as: type)
  }

  /// Copies `count` bytes from `source` to this address.
  func copy(from source: PhysicalAddress, count: Int) {
    for offset in 0..<count {
      let target = unsafe UnsafeMutablePointer<UInt8>(bitPattern: UInt(rawValue) + UInt(offset))
      // SAFETY: mapped, as above; the caller picks memory that nothing else uses.
      unsafe target?.pointee = source.advanced(by: offset).load(as: UInt8.self)
    }
  }
}

/// `count` values in a row in guest-physical memory, each read when it is asked for.
struct PhysicalArray<Element: BitwiseCopyable>: RandomAccessCollection {
  let start: PhysicalAddress
  let count: Int

  var startIndex: Int { 0 }
  var endIndex: Int { count }

  subscript(index: Int) -> Element {
    start.advanced(by: index * MemoryLayout<Element>.stride).load(as: Element.self)
  }
}

/// Bytes of text in guest-physical memory.
struct PhysicalText {
  let bytes: PhysicalArray<UInt8>

  init(start: PhysicalAddress, count: Int) {
    bytes = PhysicalArray(start: start, count: count)
  }

  /// The text from `start` to the first zero byte; none at all if `start` is 0.
  init(zeroTerminatedAt start: PhysicalAddress) {
    var count = 0
    if start.rawValue != 0 {
      while start.advanced(by: count).load(as: UInt8.self) != 0 { count += 1 }
    }
    self.init(start: start, count: count)
  }

  static func == (text: PhysicalText, literal: StaticString) -> Bool {
    text.bytes.count == literal.utf8CodeUnitCount && text.hasPrefix(literal)
  }

  func hasPrefix(_ prefix: StaticString) -> Bool {
    guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
    for index in 0..<prefix.utf8CodeUnitCount where bytes[index] != prefix.byte(at: index) { return false }
    return true
  }

  func dropFirst(_ count: Int) -> PhysicalText {
    PhysicalText(start: bytes.start.advanced(by: count), count: bytes.count - count)
  }
}

extension StaticString {
  /// Byte `index` of the text's UTF-8.
  func byte(at index: Int) -> UInt8 {
    precondition(index >= 0 && index < utf8CodeUnitCount)
    // SAFETY: inside the literal, by the check above; the literals here are never single scalars.
    return unsafe utf8Start[index]
  }
}
